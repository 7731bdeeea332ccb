// The media folder of the source. The paths come out of its database, so none of them is trusted: what is read is a plain
// file that lies inside the folder once every link is followed, or nothing.
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { invalid } from '../../platform/errors.ts';

export interface MediaFolder {
  /** Opens the file for `use` and closes it. Throws FileProblem for a path that leads to no file of the folder. */
  withFile<T>(path: string, use: (file: SourceFile) => Promise<T>): Promise<T>;
}

export interface SourceFile {
  readonly handle: FileHandle;
  /** Bytes. */
  readonly size: number;
}

/** A file that cannot be taken; the message is the reason, in words for the report. */
export class FileProblem extends Error {
  override readonly name = 'FileProblem';
}

/** Throws `invalid` (`media_folder_missing`) unless it is a folder. */
export async function openMediaFolder(path: string): Promise<MediaFolder> {
  const root = await realpath(path).catch(() => undefined);
  const found = root === undefined ? undefined : await stat(root);
  if (root === undefined || !found?.isDirectory())
    throw invalid('media_folder_missing', `There is no folder ${path}: give the media folder of the site.`);
  return {
    async withFile(name, use) {
      const file = await locate(root, name);
      // Without waiting for the other end, should it have become a pipe just now.
      await using handle = await open(
        file,
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      ).catch((error: unknown) => refuse(error, name));
      const { size } = await handle.stat();
      return await use({ handle, size });
    },
  };
}

async function locate(root: string, name: string): Promise<string> {
  if (name.includes('\0') || name.includes('\uFFFD')) throw new FileProblem('its path cannot be read');
  // Some systems take accented letters in file names apart when a site is copied.
  for (const form of new Set([name, name.normalize('NFC'), name.normalize('NFD')])) {
    const path = resolve(root, form);
    const real = await realpath(path).catch((error: unknown) => passMissing(error, form));
    if (real === undefined) continue;
    if (!real.startsWith(root + sep)) throw new FileProblem(`${name} lies outside of the media folder`);
    if (!(await stat(real)).isFile()) throw new FileProblem(`${name} is no file`);
    return real;
  }
  throw new FileProblem(`${name} is not in the media folder`);
}

function passMissing(error: unknown, name: string): undefined {
  if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
  return refuse(error, name);
}

/** What the file itself is to blame for; a failing disk or too many open files end the import. */
function refuse(error: unknown, name: string): never {
  if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'EISDIR'))
    throw new FileProblem(`${name} cannot be opened`, { cause: error });
  throw error;
}

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));
