// Uploads piece by piece under a name that the client chose. What a piece is, a repeat or new bytes, is known when it is
// there as a whole, so it comes here from where it was spooled. A piece that was acknowledged is durable; a piece that
// comes twice is stored once.
//
// The classic client sends no offset, so a piece whose answer was lost comes again looking like new bytes. The rule:
// the same bytes as the last piece on ANOTHER connection are that repeat; on the SAME connection the answer must have
// arrived, so they are new bytes that happen to be equal. Clients that send `offset` need no such rule.
import { createHash } from 'node:crypto';
import type { Database, Transaction } from '../../platform/database/database.ts';
import { conflict, invalid, tooLarge } from '../../platform/errors.ts';
import type { Spool } from '../../platform/spools.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Viewer } from '../users/index.ts';
import type { Quota } from './quota.ts';
import type { Upload, UploadLeases, Work } from './upload-leases.ts';
import { checkLabel, type UploadRows } from './upload-rows.ts';

export interface Chunk {
  viewer: Viewer;
  /** The client's name for the file; with the viewer the key of the upload. Never a path. */
  label: string;
  content: Buffer | Spool;
  /** Names the connection that the piece came on. */
  connection: string;
  /** Bytes of the file before this piece, if the client says so. */
  offset?: number | undefined;
  /** Hex SHA-256 of the piece, if the client says so. */
  sha256?: string | undefined;
}

export interface UploadProgress {
  mediaId: number;
  label: string;
  /** Bytes acknowledged so far. */
  offset: number;
  /** Where the file will be once it is finalized, if its bytes are what its name says. */
  expectedKey: string;
}

export interface Uploads {
  /**
   * Throws `invalid` (`label_missing`, `label_too_long`, `label_not_valid`, `checksum_mismatch`), `too_large` (`video_too_large`,
   * `quota_reached`, `too_many_uploads`), `conflict` (`offset_mismatch` with where the upload stands, `upload_closed`,
   * `upload_in_parts`) or `unavailable`.
   */
  append(chunk: Chunk): Promise<UploadProgress>;
  /** Unfinished uploads of everybody. */
  countOpen(): Promise<number>;
}

/** A chunk that has come to its upload. */
interface Piece {
  upload: Upload;
  chunk: Chunk;
  /** Hex SHA-256 of the chunk. */
  hash: string;
}

interface UploadsOptions {
  database: Database;
  storage: Storage;
  rows: UploadRows;
  leases: UploadLeases;
  quota: Quota;
  limits: { videoBytes: number };
}

export function createUploads({ database, storage, rows, leases, quota, limits }: UploadsOptions): Uploads {
  return {
    async countOpen() {
      const { count } = await database.read
        .selectFrom('uploads')
        .select((select) => select.fn.countAll<number>().as('count'))
        .where('finishedAt', 'is', null)
        .executeTakeFirstOrThrow();
      return count;
    },
    async append(chunk) {
      checkLabel(chunk.label);
      const hash = await hashOf(piecesOf(chunk));
      if (chunk.sha256 !== undefined && chunk.sha256.toLowerCase() !== hash) {
        throw invalid('checksum_mismatch', 'The chunk does not have the SHA-256 that came with it.');
      }
      return leases.hold({
        find: (tx) => findOrCreate(tx, chunk),
        async work(upload) {
          const where = await place({ upload, chunk, hash });
          // From here on it is this connection that has had the answer.
          if (where === 'stored')
            return {
              progress: { lastConnection: chunk.connection },
              result: describe(upload, upload.offset),
            };
          return store({ upload, chunk, hash });
        },
      });
    },
  };

  /** Writes the piece at the end of the upload. */
  async function store({ upload, chunk, hash }: Piece): Promise<Work<UploadProgress>> {
    const { draftKey, mediaId, ownerId, length, leaseNumber: fence } = upload;
    const { connection } = chunk;
    const bytes = chunk.content.length;
    const end = upload.offset + bytes;
    if (end > limits.videoBytes || (length !== null && end > length))
      throw tooLarge('video_too_large', `Videos may have at most ${length ?? limits.videoBytes} bytes.`);
    // A declared length is taken from the quota already.
    const isReserved = length !== null;
    if (!isReserved) await quota.look({ ownerId, bytes });
    const place = { offset: upload.offset, fence };
    const offset = upload.offset + (await storage.drafts.write(draftKey, place, piecesOf(chunk)));
    return {
      progress: { offset, lastChunkHash: hash, lastChunkSize: bytes, lastConnection: connection },
      async within(tx) {
        if (isReserved) return;
        // Once more, as other pieces of the owner's may have come in meanwhile.
        await quota.check(tx, { ownerId, bytes });
        await tx.updateTable('media').set({ size: offset }).where('id', '=', mediaId).execute();
      },
      result: describe(upload, offset),
    };
  }

  /** Whether the piece goes to the end, or is there already. */
  async function place({ upload, chunk, hash }: Piece): Promise<'end' | 'stored'> {
    const isLast = hash === upload.lastChunkHash && chunk.content.length === upload.lastChunkSize;
    if (upload.finishedAt !== null) {
      if (isLast || chunk.content.length === 0) return 'stored';
      throw conflict('upload_closed', 'This upload is finished.', { offset: upload.offset });
    }
    if (chunk.offset !== undefined) return (await isStored({ upload, chunk, hash })) ? 'stored' : 'end';
    if (chunk.content.length === 0) return 'stored';
    return isLast && chunk.connection !== upload.lastConnection ? 'stored' : 'end';
  }

  async function findOrCreate(tx: Transaction, chunk: Chunk): Promise<Upload> {
    const { label } = chunk;
    const ownerId = chunk.viewer.profileId;
    await database.dialect.lock(tx, `storage:${ownerId}`);
    const known = await rows.findLabelled(tx, { ownerId, label });
    // Without offsets nobody could tell where its pieces go.
    if (known && (await rows.hasParts(tx, known.id)))
      throw conflict('upload_in_parts', 'This upload comes in parts.', { offset: known.offset });
    if (known) return known;
    if (chunk.offset !== undefined && chunk.offset > 0) {
      throw conflict('offset_mismatch', 'This upload stands at byte 0.', { offset: 0 });
    }
    return rows.insert(tx, {
      ...{ ownerId, label, filename: label, length: null, metadata: null },
      ...{ reserved: 0, needed: chunk.content.length },
    });
  }

  /** Compares a piece that says where it belongs. Throws `offset_mismatch` unless it fits or is there already. */
  async function isStored({ upload, chunk, hash }: Piece): Promise<boolean> {
    const { offset = 0, content } = chunk;
    if (offset === upload.offset) return content.length === 0;
    const end = offset + content.length;
    if (end <= upload.offset) {
      if (content.length === 0) return true;
      const stored = storage.drafts.read(upload.draftKey, { start: offset, end: end - 1 });
      if ((await hashOf(stored)) === hash) return true;
    }
    throw conflict('offset_mismatch', `This upload stands at byte ${upload.offset}.`, {
      offset: upload.offset,
    });
  }
}

function describe({ mediaId, label, draftKey }: Upload, offset: number): UploadProgress {
  const extension = /\.(mp4|mov|avi|wmv)$/i.exec(label)?.[1]?.toLowerCase() ?? 'mp4';
  return { mediaId, label, offset, expectedKey: `videos/${draftKey}.${extension}` };
}

const piecesOf = ({ content }: Chunk): AsyncIterable<Uint8Array> | Iterable<Uint8Array> =>
  content instanceof Uint8Array ? [content] : content;

/** Hex SHA-256. */
async function hashOf(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of content) hash.update(piece);
  return hash.digest('hex');
}
