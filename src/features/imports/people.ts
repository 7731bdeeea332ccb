// Users with their profiles, in one transaction as everywhere. Names and passwords are kept; where two people of the
// source share what must be unique here, the later one is given a key of its own and still gets in.
import type { Transaction } from '../../platform/database/database.ts';
import { emailKey, normaliseUsername, usernameKey, usernameSkeleton } from '../users/index.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { describeIssues, profiles, type RowOf, users } from './source-tables.ts';

type User = RowOf<typeof users>;
type Profile = RowOf<typeof profiles>;
/** By the id of the user; a sentence where a profile cannot be read. */
type ProfilesOfUsers = Map<number, Profile | string>;

export async function takeUsers(run: Run): Promise<void> {
  await walk(run, {
    source: users,
    prepare: (rows) => findProfiles(run, rows),
    async take(tx, rows, profilesOfUsers) {
      const outcomes = new Map<number, Outcome>();
      for (const user of rows) {
        outcomes.set(user.id, await takeUser(run, tx, { user, profile: profilesOfUsers.get(user.id) }));
      }
      return outcomes;
    },
  });
}

/** The profiles came with their users; this accounts for each of them. */
export async function takeProfiles(run: Run): Promise<void> {
  await walk(run, {
    source: profiles,
    prepare: async () => undefined,
    async take(tx, rows) {
      const owners = await run.ledger.resolve(tx, {
        table: 'auth_user',
        ids: rows.map((row) => row.user_id),
      });
      const here = await tx
        .selectFrom('profiles')
        .select(['id', 'userId'])
        .where('id', 'in', run.database.dialect.anyOf(rows.map((row) => row.id)))
        .execute();
      const owner = new Map(here.map((row) => [row.id, row.userId]));
      return new Map(
        rows.map(({ id, user_id }): [number, Outcome] => {
          const userId = owners.get(user_id)?.id;
          const isTheirs = userId !== undefined && owner.get(id) === userId;
          return [id, isTheirs ? { localId: id } : { refused: `its user ${user_id} was not taken` }];
        }),
      );
    },
  });
}

async function findProfiles({ source }: Run, rows: readonly User[]): Promise<ProfilesOfUsers> {
  const found = await source.find(profiles, { column: 'user_id', values: rows.map((row) => row.id) });
  return new Map(
    found.map((raw): [number, Profile | string] => {
      const parsed = profiles.schema.safeParse(raw);
      return [Number(raw['user_id']), parsed.success ? parsed.data : describeIssues(parsed.error)];
    }),
  );
}

async function takeUser(
  run: Run,
  tx: Transaction,
  { user, profile }: { user: User; profile: Profile | string | undefined },
): Promise<Outcome> {
  const note = (sentence: string): void => run.tally.note({ table: users.table, id: user.id }, sentence);
  if (typeof profile === 'string') return { refused: `of its profile ${profile}` };
  if (profile && (await isUsed(tx, { table: 'profiles', id: profile.id })))
    return { refused: `profile ${profile.id} is somebody else here` };
  if (!profile) note('had no profile and was given one');

  const userId = await insertUser(tx, {
    user: {
      ...user,
      email: user.email || (profile?.email ?? ''),
      first_name: user.first_name || (profile?.firstname ?? ''),
      last_name: user.last_name || (profile?.lastname ?? ''),
    },
    suspendedAt: user.is_active ? null : run.now(),
    note,
  });
  await tx
    .insertInto('profiles')
    .values({
      ...(profile ? { id: profile.id } : {}),
      userId,
      bio: profile?.bio ?? '',
      pictureKey: null,
      coverKey: null,
      createdAt: profile?.created_at ?? user.date_joined,
    })
    .execute();
  return { localId: userId };
}

async function insertUser(
  tx: Transaction,
  { user, suspendedAt, note }: { user: User; suspendedAt: number | null; note: (sentence: string) => void },
): Promise<number> {
  const passwordHash = readPassword(user.password);
  if (passwordHash === NO_PASSWORD) note('has no password that can be checked and cannot sign in');
  const { id } = await tx
    .insertInto('users')
    .values({
      ...((await isUsed(tx, { table: 'users', id: user.id })) ? {} : { id: user.id }),
      ...(await nameUser(tx, { user, note })),
      ...(await addressUser(tx, { user, note })),
      firstName: user.first_name,
      lastName: user.last_name,
      passwordHash,
      role: user.is_staff || user.is_superuser ? 'admin' : 'user',
      createdAt: user.date_joined,
      suspendedAt,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

async function isUsed(
  tx: Transaction,
  { table, id }: { table: 'users' | 'profiles'; id: number },
): Promise<boolean> {
  const row = await tx.selectFrom(table).select('id').where('id', '=', id).executeTakeFirst();
  return row !== undefined;
}

const NO_PASSWORD = '!';

/** Django's PBKDF2 as it is, argon2id without Django's word in front of it; whatever else lets nobody in. */
function readPassword(stored: string): string {
  if (stored.startsWith('pbkdf2_sha256$')) return stored;
  if (stored.startsWith('argon2$argon2id$')) return stored.slice('argon2'.length);
  return NO_PASSWORD;
}

async function nameUser(
  tx: Transaction,
  { user, note }: { user: User; note: (sentence: string) => void },
): Promise<{ username: string; usernameKey: string; usernameSkeleton: string }> {
  const isBlank = usernameKey(user.username).trim() === '';
  const username = isBlank ? `user.${user.id}` : normaliseUsername(user.username);
  if (isBlank) note(`had no user name and is "${username}" now`);
  const named = { username, usernameSkeleton: usernameSkeleton(username) };
  const key = usernameKey(username);
  const twin = await findTwin(tx, { column: 'usernameKey', key });
  if (!twin) return { ...named, usernameKey: key };
  // A key that can be typed: with it in place of the name they sign in.
  const ownKey = await findFree(tx, { column: 'usernameKey', make: (number) => `${key}.${number}` });
  note(`"${username}" differs from "${twin}" only in ways that do not count here: signs in as "${ownKey}"`);
  return { ...named, usernameKey: ownKey };
}

/** The address that is shown stays; a key that is no address holds the place of one that is missing or taken. */
async function addressUser(
  tx: Transaction,
  { user, note }: { user: User; note: (sentence: string) => void },
): Promise<{ email: string; emailKey: string }> {
  const { email } = user;
  const key = emailKey(email);
  if (key.trim() === '') {
    return {
      email: '',
      emailKey: await findFree(tx, { column: 'emailKey', make: (number) => `none ${user.id}.${number}` }),
    };
  }
  const twin = await findTwin(tx, { column: 'emailKey', key });
  if (!twin) return { email, emailKey: key };
  note(`has the same e-mail address as "${twin}", for whom the address stands here`);
  return {
    email,
    emailKey: await findFree(tx, { column: 'emailKey', make: (number) => `${key} ${number}` }),
  };
}

async function findTwin(
  tx: Transaction,
  { column, key }: { column: 'usernameKey' | 'emailKey'; key: string },
): Promise<string | undefined> {
  const row = await tx.selectFrom('users').select('username').where(column, '=', key).executeTakeFirst();
  return row?.username;
}

async function findFree(
  tx: Transaction,
  { column, make }: { column: 'usernameKey' | 'emailKey'; make: (number: number) => string },
): Promise<string> {
  for (let number = 2; ; number += 1) {
    const key = make(number);
    if ((await findTwin(tx, { column, key })) === undefined) return key;
  }
}
