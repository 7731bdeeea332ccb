// Imports: moving in. Everything of an original Django site is brought over: people, what they said, liked and showed.
// A row is taken once and for all in one transaction with the note of it, so an import may be killed and run again.
import type { Database } from '../../platform/database/database.ts';
import type { ForeignDatabase } from '../../platform/foreign-databases/foreign-database.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { PictureRecords } from '../../platform/pictures/records.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Media } from '../media/index.ts';
import type { Profiles } from '../profiles/index.ts';
import { takeComments, takeReplies } from './comments.ts';
import { takeFollows } from './follows.ts';
import { createLedger } from './ledger.ts';
import { takeLikes } from './likes.ts';
import { openMediaFolder } from './media-folder.ts';
import { takeMedia } from './media.ts';
import type { Run } from './pass.ts';
import { takeProfiles, takeUsers } from './people.ts';
import { takePosts } from './posts.ts';
import { takeProfilePictures } from './profile-pictures.ts';
import type { ImportReport } from './report.ts';
import { begin, listOtherTables } from './start.ts';
import { createStoredFiles } from './stored-files.ts';
import { createTally } from './tally.ts';

export { formatReport, type ImportReport } from './report.ts';

export interface DjangoImport {
  source: ForeignDatabase;
  /** Path of the folder that the paths in the database start from (MEDIA_ROOT). */
  mediaFolder: string;
  /** Stops between two batches: what was taken stays, and a later run goes on from there. */
  signal?: AbortSignal;
  /** Called after each batch with the rows read so far. */
  onProgress?: (progress: { table: string; read: number }) => void;
}

export interface Imports {
  /**
   * Brings an original site over, or the rest of it. Rows that cannot be taken are told of in the report.
   * Throws `invalid` (`not_the_original`, `media_folder_missing`) or `conflict` (`ids_in_use`) before anything is written.
   */
  importDjango(request: DjangoImport): Promise<ImportReport>;
}

interface ImportsOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  records: PictureRecords;
  profiles: Profiles;
  media: Media;
  limits: { pictureBytes: number };
  now: () => number;
}

export function createImports(options: ImportsOptions): Imports {
  const { database, jobs, records, now } = options;
  return {
    async importDjango({ source, mediaFolder, signal, onProgress }) {
      const folder = await openMediaFolder(mediaFolder);
      const { sourceId, salt } = await begin({ database, source, now });
      const tally = createTally();
      const ledger = createLedger(database, sourceId);
      const run: Run = { ...{ database, source, ledger, tally, signal, onProgress, now } };
      const files = createStoredFiles({ ...options, folder, salt });

      await takeUsers(run);
      await takeProfiles(run);
      await takeFollows(run);
      await takePosts(run);
      await takeComments(run);
      await takeReplies(run);
      await takeLikes(run);
      // Files last: they take long, and the words are there meanwhile.
      await takeProfilePictures(run, { files, jobs, records });
      const videosQueued = await takeMedia(run, { files, jobs, records });

      const { tables, refusals, notes } = tally;
      const otherTables = await listOtherTables(source);
      return { source: source.description, tables, refusals, notes, otherTables, videosQueued };
    },
  };
}
