// What the writers know. A cell holds every value that the server may have for one thing: a single one once a request
// was answered, both the old and the new while it is under way or when its answer never came.
import type { Answer, Person } from '../support/classic-client.ts';

export interface Cell<T> {
  may: readonly T[];
}

export const cell = <T>(value: T): Cell<T> => ({ may: [value] });

/** Sends a request that turns the value into `to(value)` if it is answered with 2xx, and nothing if it is refused. */
export async function change<T>(
  target: Cell<T>,
  to: (now: T) => T,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const before = target.may;
  const after = [...new Set(before.map(to))];
  target.may = [...new Set([...before, ...after])];
  const answer = await send();
  // The server's own fault: nobody knows how far it got.
  if (answer.status >= 500) return answer;
  target.may = isAccepted(answer) ? after : before;
  return answer;
}

export const isAccepted = ({ status }: Answer): boolean => status >= 200 && status < 300;

/** A post, comment or reply. Its text begins with a word that no other has. */
export interface Said {
  readonly marker: string;
  readonly author: Writer;
  readonly parent: Said | undefined;
  /** Once it is known: from the answer, or from the database after a crash. */
  id: number | undefined;
  readonly exists: Cell<boolean>;
  readonly text: Cell<string>;
  /** By profile; who is not in it never liked this. */
  readonly likes: Map<number, Cell<boolean>>;
  readonly pictures: Cell<number>;
  /** The highest version seen. */
  version: number;
}

/** A session that is there to be ended. */
export interface Spare {
  readonly access: string;
  readonly refresh: string;
  readonly ended: Cell<boolean>;
}

/** `noise` is no video and refused at the end, `lame` looks like one until it is decoded, `real` is one. */
export type UploadKind = 'noise' | 'lame' | 'real';

export interface SentUpload {
  readonly kind: UploadKind;
  readonly label: string;
  readonly bytes: Buffer;
  /** Where it goes in the end. */
  post: Said | undefined;
  /** Bytes whose chunks were answered. */
  acknowledged: number;
  /** Bytes of the chunk that has no answer. */
  inDoubt: number;
  mediaId: number | undefined;
  /** On its post, or, for noise, dropped. */
  readonly closed: Cell<boolean>;
}

export interface Writer extends Person {
  /** When the refresh under way was sent, in epoch milliseconds. */
  refreshSentAt: number | undefined;
  readonly follows: Map<number, Cell<boolean>>;
  /** The path; undefined stands for one that never came back. */
  readonly picture: Cell<string | undefined>;
  spares: Spare[];
  upload: SentUpload | undefined;
  closedUploads: SentUpload[];
}

export interface Ledger {
  readonly writers: Writer[];
  readonly said: Map<string, Said>;
  /** Posts that this round's requests were about. */
  readonly touched: Set<Said>;
  acknowledged: number;
  inDoubt: number;
}

export const createLedger = (): Ledger => ({
  writers: [],
  said: new Map(),
  touched: new Set(),
  acknowledged: 0,
  inDoubt: 0,
});

export function addSaid(ledger: Ledger, given: Pick<Said, 'marker' | 'author' | 'parent'>): Said {
  const said: Said = {
    ...given,
    id: undefined,
    exists: cell(false),
    text: cell(given.marker),
    likes: new Map(),
    pictures: cell(0),
    version: 0,
  };
  ledger.said.set(said.marker, said);
  return said;
}

export const topOf = (said: Said): Said => said.parent?.parent ?? said.parent ?? said;

/** The cell of `key`, made with `false` where there is none. */
export function flagOf(flags: Map<number, Cell<boolean>>, key: number): Cell<boolean> {
  const known = flags.get(key) ?? cell(false);
  flags.set(key, known);
  return known;
}
