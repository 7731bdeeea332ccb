// Users: who somebody is. Accounts, passwords, sessions and their tokens.
import type { Database } from '../../platform/database/database.ts';
import { handle, type Lane } from '../../platform/jobs/worker.ts';
import type { Limits } from '../../platform/limits/limits.ts';
import { type Accounts, createAccounts } from './accounts.ts';
import { createPasswordHashes } from './password-hashes.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createSessionSweep, sweepSessionsJob } from './sweep.ts';
import { createTokens } from './tokens.ts';

export type { Accounts, SignUpForm } from './accounts.ts';
export type { Sessions, Viewer } from './sessions.ts';
export { emailKey } from './emails.ts';
export { sweepSessionsJob } from './sweep.ts';
export { normaliseUsername, usernameKey, usernameSkeleton } from './usernames.ts';

export interface Users {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly passwords: Passwords;
  /** The kinds of jobs that this feature does. */
  readonly lanes: readonly Lane[];
}

export interface UsersOptions {
  database: Database;
  limits: Limits;
  now: () => number;
  secretKey: string;
  tokens: { accessLifetimeMs: number; refreshLifetimeMs: number; sessionLifetimeMs: number };
  hashConcurrency: number;
}

export function createUsers({
  database,
  limits,
  now,
  secretKey,
  tokens: lifetimes,
  hashConcurrency,
}: UsersOptions): Users {
  const tokens = createTokens({ secretKey, accessLifetimeMs: lifetimes.accessLifetimeMs, now });
  const sessions = createSessions({ database, tokens, now, ...lifetimes });
  const hashes = createPasswordHashes({ concurrency: hashConcurrency, queueLimit: 200 });
  return {
    sessions,
    accounts: createAccounts({ database, hashes, sessions, limits, now }),
    passwords: createPasswords({ database, hashes, sessions, limits }),
    lanes: [
      {
        name: 'sessions',
        concurrency: 1,
        registrations: [handle(sweepSessionsJob, createSessionSweep({ database, now }))],
      },
    ],
  };
}
