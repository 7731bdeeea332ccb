// Opens the storage that the configuration names. The adapter is loaded only when it is used.
import type { Storage } from './storage.ts';

export interface StorageSettings {
  kind: 'local';
  folder: string;
}

export async function openStorage(settings: StorageSettings): Promise<Storage> {
  const { openLocalStorage } = await import('./local.ts');
  return openLocalStorage(settings.folder);
}
