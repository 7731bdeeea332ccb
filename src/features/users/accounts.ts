// Accounts: making one (in the caller's transaction, beside its profile), signing in, suspending.
import type { Database, Reader, Transaction } from '../../platform/database/database.ts';
import { type DomainError, type FieldErrors, invalidFields, notFound } from '../../platform/errors.ts';
import type { Limits } from '../../platform/limits/limits.ts';
import { isLonger } from '../../platform/text-length.ts';
import { emailKey, emailProblems } from './emails.ts';
import type { PasswordHashes } from './password-hashes.ts';
import { passwordProblems } from './password-rules.ts';
import { shareScript } from './scripts.ts';
import type { Sessions } from './sessions.ts';
import { wrongPassword } from './passwords.ts';
import { createSignIn, type SignIn } from './sign-in.ts';
import { normaliseUsername, usernameKey, usernameProblems, usernameSkeleton } from './usernames.ts';

export interface SignUpForm {
  username: string;
  firstName: string;
  lastName: string;
  email: string;
  password: string;
}

/** A checked form with the password hashed; made before the transaction that inserts it. */
export interface NewUser extends Omit<SignUpForm, 'password'> {
  usernameKey: string;
  usernameSkeleton: string;
  emailKey: string;
  passwordHash: string;
}

export interface UserSummary {
  id: number;
  username: string;
  email: string;
  role: 'user' | 'admin';
  createdAt: number;
  suspendedAt: number | null;
}

export interface Accounts {
  /** Throws `invalid` with sentences by field, all at once. */
  prepare(form: SignUpForm): Promise<NewUser>;
  /** Answers the user's id. Throws as `prepare` does when a name was taken meanwhile. */
  insert(tx: Transaction, user: NewUser, role?: 'user' | 'admin'): Promise<number>;
  signIn: SignIn;
  list(): Promise<UserSummary[]>;
  /** Signs the user out everywhere and keeps them out; `suspended: false` lets them in again. */
  setSuspended(options: { username: string; suspended: boolean }): Promise<void>;
  /** The same of whoever has this password hash. Answers when (epoch ms). Throws `invalid` by field (`password`) when it is another one by now. */
  suspendOwn(tx: Transaction, account: { userId: number; passwordHash: string }): Promise<number>;
  /** Counts from the next request on. Throws `not_found`. */
  setRole(options: { username: string; role: 'user' | 'admin' }): Promise<void>;
  /** First and last name, as shown on the profile. */
  rename(tx: Transaction, name: { userId: number; firstName?: string; lastName?: string }): Promise<void>;
}

const TAKEN_USERNAME = 'A user with that username already exists.';
const LOOKS_TAKEN = 'This username looks like another one that is taken.';
const TAKEN_EMAIL = 'Email address is already in use.';
const MAX_NAME_CHARACTERS = 150;

interface AccountsOptions {
  database: Database;
  hashes: PasswordHashes;
  sessions: Sessions;
  limits: Limits;
  now: () => number;
}

export function createAccounts({ database, hashes, sessions, limits, now }: AccountsOptions): Accounts {
  return {
    async suspendOwn(tx, { userId, passwordHash }) {
      const suspendedAt = now();
      const suspended = await tx
        .updateTable('users')
        .set({ suspendedAt })
        .where('id', '=', userId)
        .where('passwordHash', '=', passwordHash)
        .returning('id')
        .execute();
      if (suspended.length === 0) throw wrongPassword();
      await sessions.endAll(tx, userId);
      return suspendedAt;
    },

    async prepare(form) {
      const username = normaliseUsername(form.username);
      const user = {
        username,
        firstName: form.firstName,
        lastName: form.lastName,
        email: form.email,
        usernameKey: usernameKey(username),
        usernameSkeleton: usernameSkeleton(username),
        emailKey: emailKey(form.email),
      };
      const problems = withoutEmpty({
        username: usernameProblems(form.username),
        // The classic page takes a `first_name` key in an answer for success, so names report under another one.
        non_field_errors: nameProblems(form),
        email: emailProblems(form.email),
        password: passwordProblems(form.password, { ...form, username }),
      });
      const taken = await findTaken(database, user, problems);
      if (Object.keys(taken).length > 0) throw invalidFields(taken);
      return { ...user, passwordHash: await hashes.hash(form.password) };
    },

    async insert(tx, user, role = 'user') {
      await database.dialect.lock(tx, `username:${user.usernameSkeleton}`);
      if (await looksTaken(tx, user)) throw invalidFields({ username: [LOOKS_TAKEN] });
      try {
        const { id } = await tx
          .insertInto('users')
          .values({ ...user, role, createdAt: now(), suspendedAt: null })
          .returning('id')
          .executeTakeFirstOrThrow();
        return id;
      } catch (error) {
        throw takenMeanwhile(database, error) ?? error;
      }
    },

    signIn: createSignIn({ database, hashes, sessions, limits }),

    list: () =>
      database.read
        .selectFrom('users')
        .select(['id', 'username', 'email', 'role', 'createdAt', 'suspendedAt'])
        .orderBy('id')
        .execute(),

    setSuspended: ({ username, suspended }) =>
      change(database, username, async (tx, id) => {
        const suspendedAt = suspended ? now() : null;
        await tx.updateTable('users').set({ suspendedAt }).where('id', '=', id).execute();
        if (suspended) await sessions.endAll(tx, id);
      }),

    setRole: ({ username, role }) =>
      change(database, username, async (tx, id) => {
        await tx.updateTable('users').set({ role }).where('id', '=', id).execute();
      }),

    async rename(tx, { userId, firstName, lastName }) {
      const problems = nameProblems({ firstName: firstName ?? 'kept', lastName: lastName ?? 'kept' });
      if (problems.length > 0) throw invalidFields({ non_field_errors: problems });
      await tx
        .updateTable('users')
        .set({ ...(firstName !== undefined && { firstName }), ...(lastName !== undefined && { lastName }) })
        .where('id', '=', userId)
        .execute();
    },
  };
}

/** Throws `not_found`. */
async function change(
  database: Database,
  username: string,
  work: (tx: Transaction, id: number) => Promise<void>,
): Promise<void> {
  await database.transaction(async (tx) => {
    const user = await tx
      .selectFrom('users')
      .select('id')
      .where('usernameKey', '=', usernameKey(username))
      .executeTakeFirst();
    if (!user) throw notFound('user');
    await work(tx, user.id);
  });
}

function nameProblems({ firstName, lastName }: { firstName: string; lastName: string }): string[] {
  const problems: string[] = [];
  for (const [label, name] of [
    ['First name', firstName],
    ['Last name', lastName],
  ] as const) {
    if (name.trim() === '') problems.push(`${label} may not be blank.`);
    else if (isLonger(name, MAX_NAME_CHARACTERS))
      problems.push(`${label} may have no more than ${MAX_NAME_CHARACTERS} characters.`);
    else if (/\p{Cc}/u.test(name)) problems.push(`${label} may not contain control characters.`);
    else if (!name.isWellFormed()) problems.push(`${label} has characters that are not valid.`);
  }
  return problems;
}

async function findTaken(
  database: Database,
  user: Pick<NewUser, 'username' | 'usernameKey' | 'usernameSkeleton' | 'emailKey'>,
  problems: FieldErrors,
): Promise<FieldErrors> {
  const rows = await database.read
    .selectFrom('users')
    .select(['usernameKey', 'emailKey'])
    .where((where) =>
      where.or([
        ...(problems['username'] ? [] : [where('usernameKey', '=', user.usernameKey)]),
        ...(problems['email'] ? [] : [where('emailKey', '=', user.emailKey)]),
      ]),
    )
    .execute();
  const taken = { ...problems };
  if (!taken['username'] && rows.some((row) => row.usernameKey === user.usernameKey))
    taken['username'] = [TAKEN_USERNAME];
  if (!taken['username'] && (await looksTaken(database.read, user))) taken['username'] = [LOOKS_TAKEN];
  if (!taken['email'] && rows.some((row) => row.emailKey === user.emailKey)) taken['email'] = [TAKEN_EMAIL];
  return taken;
}

/** Whether somebody has a name in another script that can be taken for this one. */
async function looksTaken(
  reader: Reader,
  { username, usernameSkeleton: skeleton }: Pick<NewUser, 'username' | 'usernameSkeleton'>,
): Promise<boolean> {
  const alike = await reader
    .selectFrom('users')
    .select('username')
    .where('usernameSkeleton', '=', skeleton)
    .execute();
  return alike.some((row) => !shareScript(row.username, username));
}

function takenMeanwhile({ dialect }: Database, error: unknown): DomainError | undefined {
  if (dialect.isUniqueViolation(error, 'users.username_key'))
    return invalidFields({ username: [TAKEN_USERNAME] });
  if (dialect.isUniqueViolation(error, 'users.email_key')) return invalidFields({ email: [TAKEN_EMAIL] });
  return undefined;
}

const withoutEmpty = (fields: FieldErrors): FieldErrors =>
  Object.fromEntries(Object.entries(fields).filter(([, sentences]) => sentences.length > 0));
