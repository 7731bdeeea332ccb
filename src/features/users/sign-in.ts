// Signing in with a name and a password. What is limited are guesses, by address and by account.
import type { Database } from '../../platform/database/database.ts';
import type { Limits } from '../../platform/limits/limits.ts';
import type { PasswordHashes } from './password-hashes.ts';
import { type Sessions, wrongCredentials } from './sessions.ts';
import type { TokenPair } from './tokens.ts';
import { usernameKey } from './usernames.ts';

/** Throws `unauthenticated` (`wrong_credentials`) alike for a wrong password and an unknown or suspended user; `rate_limited`. */
export type SignIn = (credentials: {
  username: string;
  password: string;
  address: string;
}) => Promise<TokenPair>;

interface SignInOptions {
  database: Database;
  hashes: PasswordHashes;
  sessions: Sessions;
  limits: Limits;
}

export function createSignIn({ database, hashes, sessions, limits }: SignInOptions): SignIn {
  // Guesses, not sign-ins: a right password gives its point back.
  const byAddress = limits.create('sign-in-address');
  const byAccount = limits.create('sign-in-account');

  return async ({ username, password, address }) => {
    // No name has blanks, and phones like to add one after a word they know.
    const key = usernameKey(username.trim());
    await byAddress.take(address);
    await byAccount.take(key);
    const giveBack = () => Promise.all([byAddress.giveBack(address), byAccount.giveBack(key)]);
    const user = await check(key, password).catch(async (error: unknown) => {
      // Nothing was compared: whoever comes again while the server is too busy has not guessed.
      await giveBack();
      throw error;
    });
    if (!user) throw wrongCredentials();
    await giveBack();
    return sessions.start(user.id, await renewHash(user, password));
  };

  /** Whose password it is; undefined if it is wrong. */
  async function check(key: string, password: string) {
    const user = await database.read
      .selectFrom('users')
      .selectAll()
      .where('usernameKey', '=', key)
      .executeTakeFirst();
    // An unknown name costs the same work as a wrong password, so that time does not tell them apart.
    if (!user) await hashes.decoy(password);
    const isRight = user && (await hashes.verify(password, user.passwordHash));
    return isRight && user.suspendedAt === null ? user : undefined;
  }

  /** Answers the hash that stands for the password now. */
  async function renewHash(
    user: { id: number; usernameKey: string; passwordHash: string },
    password: string,
  ) {
    if (!hashes.needsRehash(user.passwordHash)) return user.passwordHash;
    const passwordHash = await hashes.hash(password);
    const renewed = await database.transaction(async (tx) =>
      tx
        .updateTable('users')
        .set({ passwordHash })
        .where('id', '=', user.id)
        .where('passwordHash', '=', user.passwordHash)
        .returning('id')
        .execute(),
    );
    if (renewed.length > 0) return passwordHash;
    // Somebody else has just renewed it, or set another password.
    return (await check(user.usernameKey, password))?.passwordHash ?? user.passwordHash;
  }
}
