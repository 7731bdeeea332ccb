import { readFileSync } from 'node:fs';
import { asDataUrl } from '../support/classic-client.ts';

/** A small PNG as a page sends it. */
export const PICTURE = asDataUrl(
  readFileSync(new URL('../../src/api/files/defaults/default_profile_picture.png', import.meta.url)),
  'image/png',
);
