// Opens the storage that the configuration names. The adapter is loaded only when it is used.
import type { StorageSettings } from './settings.ts';
import type { Storage } from './storage.ts';

export async function openStorage(settings: StorageSettings): Promise<Storage> {
  if (settings.kind === 's3') {
    const { openS3Storage } = await import('./s3.ts');
    return openS3Storage(settings);
  }
  const { openLocalStorage } = await import('./local.ts');
  return openLocalStorage(settings.folder);
}
