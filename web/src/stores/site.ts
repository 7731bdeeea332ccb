// What the site says of itself, remembered while this tab is open so that its name stands there at once.
import { createStore } from '../store.ts';
import { getSite, type Site } from '../wire/site.ts';

const KEY = 'veranda.site';
const UNKNOWN: Site = { name: 'Veranda', contact: '', sign_up: 'open' };

export const site = createStore<Site>(recall());

/** Throws when it cannot be read; what was known stays. */
export async function readSite(): Promise<void> {
  const { name, contact, sign_up } = await getSite();
  const read = { name, contact, sign_up };
  site.set(read);
  sessionStorage.setItem(KEY, JSON.stringify(read));
}

function recall(): Site {
  try {
    return { ...UNKNOWN, ...(JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Site>) };
  } catch {
    return UNKNOWN;
  }
}
