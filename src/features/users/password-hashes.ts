// How passwords are kept: argon2id for everything new, Django's pbkdf2 understood so that an imported user can sign
// in once and be upgraded. A hash is heavy by design, so few run at once, the rest queue, and a full queue refuses.

import { hash, type ParsedHashOptions, parseOptions, verify } from '@node-rs/argon2';
import { pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { unavailable } from '../../platform/errors.ts';
import { createTurnstile } from '../../platform/turnstile.ts';

// The least that OWASP's password storage cheat sheet names for argon2id with one lane.
const defaultMemoryKiB = 19_456;
const defaultIterations = 2;

// What a stored hash may ask for. A row written by somebody else must not be able to stall the process.
const mostMemoryKiB = 262_144;
const mostMemoryPassesKiB = 1_048_576;
const mostLanes = 16;
const mostPbkdf2Iterations = 2_000_000;

const secondsUntilRetry = 2;

export interface PasswordHashes {
  hash(password: string): Promise<string>;
  /** False also for a stored hash that is malformed, of an unknown kind or unreasonably heavy. */
  verify(password: string, storedHash: string): Promise<boolean>;
  /** True when the hash is weaker than what `hash` makes; ask after a successful `verify`, and store a new one. */
  needsRehash(storedHash: string): boolean;
  /** As much work as `verify`: run it for an unknown user, so that time does not tell who exists. */
  decoy(password: string): Promise<void>;
}

/**
 * At most `concurrency` hashes run at once and `queueLimit` wait; beyond that `hash`, `verify` and `decoy` fail
 * with `unavailable('sign_in_busy')`. A password is hashed whole, as UTF-8.
 */
export function createPasswordHashes(settings: {
  concurrency: number;
  queueLimit: number;
  memoryKiB?: number;
  iterations?: number;
}): PasswordHashes {
  const memoryCost = settings.memoryKiB ?? defaultMemoryKiB;
  const timeCost = settings.iterations ?? defaultIterations;
  const options = { memoryCost, timeCost, parallelism: 1 };
  const takeTurn = createTurnstile({
    concurrency: settings.concurrency,
    queueLimit: settings.queueLimit,
    refuse: () =>
      unavailable('sign_in_busy', 'Too many people are signing in right now. Please try again in a moment.', {
        retryAfter: secondsUntilRetry,
      }),
  });

  return {
    hash: (password) => takeTurn(() => hash(password, options)),
    verify(password, storedHash) {
      const check = storedHash.startsWith('pbkdf2_sha256$') ? verifyPbkdf2 : verifyArgon2;
      return takeTurn(() => check(password, storedHash));
    },
    needsRehash(storedHash) {
      const made = readArgon2(storedHash);
      if (!made || made.saltLen < 16 || made.outputLen < 32) return true;
      return made.memoryCost < memoryCost || made.timeCost < timeCost;
    },
    async decoy(password) {
      await takeTurn(() => hash(password, options));
    },
  };
}

/** The parameters of an argon2id hash of the current version; nothing for any other text. */
function readArgon2(storedHash: string): ParsedHashOptions | undefined {
  if (!storedHash.startsWith('$argon2id$v=19$')) return undefined;
  try {
    return parseOptions(storedHash);
  } catch {
    return undefined;
  }
}

async function verifyArgon2(password: string, storedHash: string): Promise<boolean> {
  const made = readArgon2(storedHash);
  if (!made || made.memoryCost > mostMemoryKiB || made.parallelism > mostLanes) return false;
  if (made.memoryCost * made.timeCost > mostMemoryPassesKiB) return false;
  return await verify(storedHash, password);
}

const derive = promisify(pbkdf2);

/** Django's form: `pbkdf2_sha256$iterations$salt$hash`, the salt as text and the 32 bytes of the hash in base64. */
async function verifyPbkdf2(password: string, storedHash: string): Promise<boolean> {
  const [, iterations = '', salt = '', digest = '', ...rest] = storedHash.split('$');
  const expected = Buffer.from(digest, 'base64');
  const isWellFormed =
    rest.length === 0 && /^[1-9]\d{0,6}$/.test(iterations) && salt !== '' && expected.length === 32;
  if (!isWellFormed || Number(iterations) > mostPbkdf2Iterations) return false;
  return timingSafeEqual(await derive(password, salt, Number(iterations), 32, 'sha256'), expected);
}
