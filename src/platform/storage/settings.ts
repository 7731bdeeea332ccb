// Which storage a site has.

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
