// What the site says of itself.
import { ask } from './requests.ts';

export interface Site {
  name: string;
  /** Whom people ask; may be empty. */
  contact: string;
  sign_up: 'open' | 'closed';
}

export function getSite(): Promise<Site> {
  return ask('/api/site/', { anonymous: true });
}
