// Files of the source in our own storage: pictures encoded afresh, videos as they are until the worker has encoded them.
// Names of blobs are made from a secret of the import and the row, so a run that was killed leaves nothing behind: the
// next one writes over it.
import { createHmac } from 'node:crypto';
import { DomainError } from '../../platform/errors.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { createTurnstile } from '../../platform/turnstile.ts';
import { type Media, SNIFF_BYTES, sniffVideo, type StoredPicture } from '../media/index.ts';
import type { Profiles, StoredProfilePicture } from '../profiles/index.ts';
import { FileProblem, type MediaFolder, type SourceFile } from './media-folder.ts';

/** What a file became. */
export type StoredMedia =
  | { kind: 'picture'; picture: StoredPicture }
  | { kind: 'video'; fileKey: string; size: number };

/** A stored file, or why there is none. */
export type Stored<T> = { stored: T } | { problem: string };

export interface StoredFiles {
  storeMedia(file: { id: number; path: string }): Promise<Stored<StoredMedia>>;
  storeProfilePicture(file: {
    id: number;
    path: string;
    role: 'picture' | 'cover';
  }): Promise<Stored<StoredProfilePicture>>;
}

interface StoredFilesOptions {
  folder: MediaFolder;
  storage: Storage;
  media: Media;
  profiles: Profiles;
  limits: { pictureBytes: number };
  salt: string;
}

/** Files in memory at once. */
const CONCURRENCY = 2;

export function createStoredFiles(options: StoredFilesOptions): StoredFiles {
  const { folder, storage, media, profiles, limits, salt } = options;
  const takeTurn = createTurnstile({
    concurrency: CONCURRENCY,
    queueLimit: Infinity,
    refuse: () => new Error('the queue of an import has no end'),
  });
  const nameFor = (role: string, id: number): string =>
    createHmac('sha256', salt).update(`${role} ${id}`).digest('hex').slice(0, 32);

  function store<T>(path: string, use: (file: SourceFile) => Promise<T>): Promise<Stored<T>> {
    return takeTurn(async () => {
      try {
        return { stored: await folder.withFile(path, use) };
      } catch (error) {
        return { problem: explain(error, path) };
      }
    });
  }

  async function readPicture({ handle, size }: SourceFile): Promise<Buffer> {
    if (size > limits.pictureBytes) throw new FileProblem('its file is larger than pictures may be');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0);
    return buffer.subarray(0, bytesRead);
  }

  async function storeVideo(
    file: SourceFile,
    { name, extension }: { name: string; extension: string },
  ): Promise<StoredMedia> {
    const fileKey = `videos/${name}.${extension}`;
    const bytes = file.handle.createReadStream({ autoClose: false, start: 0 });
    const size = await storage.drafts.write(name, { offset: 0 }, bytes);
    await storage.drafts.publish(name, { size, blobKey: fileKey });
    return { kind: 'video', fileKey, size };
  }

  return {
    storeMedia: ({ id, path }) =>
      store(path, async (file) => {
        if (file.size === 0) throw new FileProblem('its file is empty');
        const name = nameFor('media', id);
        const head = await file.handle.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
        const container = sniffVideo(head.buffer.subarray(0, head.bytesRead));
        if (container) return storeVideo(file, { name, extension: container.extension });
        const picture = await media.attachments.storePicture(await readPicture(file), name);
        return { kind: 'picture', picture };
      }),
    storeProfilePicture: ({ id, path, role }) =>
      store(path, async (file) =>
        profiles.pictures.storeAs(nameFor(role, id), { bytes: await readPicture(file), role }),
      ),
  };
}

/** The words for the report, where the file is to blame; everything else ends the import. */
function explain(error: unknown, path: string): string {
  if (error instanceof FileProblem) return error.message;
  if (error instanceof DomainError && ['invalid', 'unsupported', 'too_large'].includes(error.kind))
    return `${path}: ${error.message}`;
  throw error;
}
