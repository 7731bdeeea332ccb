// A new password for an account: by its owner, who says the present one, or by the operator, for somebody who forgot it.
// Either way everybody who was signed in with the old one is signed out.
import type { Database } from '../../platform/database/database.ts';
import { invalidFields, notFound } from '../../platform/errors.ts';
import type { Limits } from '../../platform/limits/limits.ts';
import type { PasswordHashes } from './password-hashes.ts';
import { passwordProblems } from './password-rules.ts';
import type { Sessions, Viewer } from './sessions.ts';
import type { TokenPair } from './tokens.ts';
import { usernameKey } from './usernames.ts';

export interface Passwords {
  /**
   * That it is the viewer who asks for what cannot be undone. Answers the hash that it was compared with. Throws `invalid` by field
   * (`password`), or `rate_limited` after too many guesses.
   */
  check(check: { viewer: Viewer; present: string }): Promise<string>;
  /** Answers a new sign-in. Throws `invalid` by field (`password`, `new_password`), or `rate_limited` after too many guesses. */
  change(change: { viewer: Viewer; present: string; password: string }): Promise<TokenPair>;
  /** Throws `not_found`, or `invalid` by field (`password`). */
  reset(reset: { username: string; password: string }): Promise<void>;
}

interface PasswordsOptions {
  database: Database;
  hashes: PasswordHashes;
  sessions: Sessions;
  limits: Limits;
}

export function createPasswords({ database, hashes, sessions, limits }: PasswordsOptions): Passwords {
  // Guesses, not changes: whoever found a signed-in browser does not learn the password here.
  const guesses = limits.create('password-change');

  async function verify({ viewer, present }: { viewer: Viewer; present: string }) {
    const account = String(viewer.userId);
    await guesses.take(account);
    const giveBack = () => guesses.giveBack(account);
    const user = await compare(viewer.userId, present).catch(async (error: unknown) => {
      // Nothing was compared: whoever comes again while the server is too busy has not guessed.
      await giveBack();
      throw error;
    });
    if (!user) throw wrongPassword();
    await giveBack();
    return user;
  }

  async function compare(id: number, present: string) {
    const user = await database.read.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    return user && (await hashes.verify(present, user.passwordHash)) ? user : undefined;
  }

  return {
    check: async (who) => (await verify(who)).passwordHash,

    async change({ viewer, present, password }) {
      const user = await verify({ viewer, present });
      const problems = passwordProblems(password, user);
      if (problems.length > 0) throw invalidFields({ new_password: problems });
      const passwordHash = await hashes.hash(password);
      await database.transaction(async (tx) => {
        const changed = await tx
          .updateTable('users')
          .set({ passwordHash })
          .where('id', '=', user.id)
          // It was changed meanwhile, perhaps by the operator: then what was said is no longer the present one.
          .where('passwordHash', '=', user.passwordHash)
          .returning('id')
          .execute();
        if (changed.length === 0) throw wrongPassword();
        await sessions.endAll(tx, user.id);
      });
      return sessions.start(user.id, passwordHash);
    },

    async reset({ username, password }) {
      const user = await database.read
        .selectFrom('users')
        .selectAll()
        .where('usernameKey', '=', usernameKey(username))
        .executeTakeFirst();
      if (!user) throw notFound('user');
      const problems = passwordProblems(password, user);
      if (problems.length > 0) throw invalidFields({ password: problems });
      const passwordHash = await hashes.hash(password);
      await database.transaction(async (tx) => {
        await tx.updateTable('users').set({ passwordHash }).where('id', '=', user.id).execute();
        await sessions.endAll(tx, user.id);
      });
    },
  };
}

export const wrongPassword = () => invalidFields({ password: ['This is not your present password.'] });
