// Opens the storage that the configuration names. The adapter is loaded only when it is used.
import type { Storage } from './storage.ts';

export type StorageSettings = LocalSettings | S3Settings;

export interface LocalSettings {
  kind: 'local';
  folder: string;
}

export interface S3Settings {
  kind: 's3';
  endpoint: string;
  /** The address that clients reach it under, when it is another one. */
  publicEndpoint: string | undefined;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Media is fetched from the store by a signed address instead of through this program. */
  redirect: boolean;
  /** Local scratch space. */
  folder: string;
}

export async function openStorage(settings: StorageSettings): Promise<Storage> {
  const { openLocalStorage } = await import('./local.ts');
  return openLocalStorage(settings.folder);
}
