// A session is one sign-in: a family of refresh tokens of which one generation is current.
//
//   current token            → rotates: the next generation becomes current
//   its direct parent, ≤ 10 s after the rotation → the same successor again (the answer was lost on its way)
//   anything older           → somebody has a copy: the whole session ends (RFC 9700 section 4.14)
//
// A session that ended is over everywhere at once: access tokens are checked against its row. Its id is a random one: a database
// that was brought back from a backup would give the ids of all sessions since then once more, and with them their tokens.
import { randomInt } from 'node:crypto';
import { unauthenticated } from '../../platform/errors.ts';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { TokenClaims, TokenPair, Tokens } from './tokens.ts';

/** Who is asking. */
export interface Viewer {
  userId: number;
  profileId: number;
  sessionId: number;
  role: 'user' | 'admin';
}

export interface Sessions {
  /** `passwordHash`: what the password was compared with. Throws `unauthenticated` (`wrong_credentials`) when it has been changed since. */
  start(userId: number, passwordHash?: string): Promise<TokenPair>;
  /** Throws `unauthenticated`: `token_invalid`, `token_wrong_type`, `token_blacklisted`, `user_inactive`, `user_not_found`. */
  refresh(refreshToken: string): Promise<TokenPair>;
  /** The viewer an access token stands for. Throws `unauthenticated` as `refresh` does. */
  authenticate(accessToken: string): Promise<Viewer>;
  /**
   * Ends the viewer's session, and that of `refreshToken` when it is the same user's; an expired or used one will do.
   * False, and nothing ended, when it never was a refresh token of ours.
   */
  end(options: { viewer: Viewer; refreshToken: string }): Promise<boolean>;
  /** Ends every session of a user. */
  endAll(tx: Transaction, userId: number): Promise<void>;
}

const REUSE_GRACE_MS = 10_000;
/** As far as random numbers go, which is well below what a token may hold. */
const HIGHEST_ID = 2 ** 48 - 1;

interface SessionsOptions {
  database: Database;
  tokens: Tokens;
  refreshLifetimeMs: number;
  /** However often it is refreshed, a session ends this long after the sign-in. */
  sessionLifetimeMs: number;
  now: () => number;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { database, tokens, now } = options;
  const findViewer = prepareViewer(database);
  const refreshUntil = (issuedAt: number, createdAt: number): number =>
    Math.min(issuedAt + options.refreshLifetimeMs, createdAt + options.sessionLifetimeMs);

  return {
    async start(userId, passwordHash) {
      const issuedAt = now();
      const until = refreshUntil(issuedAt, issuedAt);
      const { id } = await database.transaction(async (tx) => {
        if (passwordHash !== undefined) await requirePassword(database, tx, { userId, passwordHash });
        return tx
          .insertInto('sessions')
          .values({
            ...{ id: randomInt(1, HIGHEST_ID), userId, createdAt: issuedAt },
            ...{ rotatedAt: issuedAt, expiresAt: until, revokedAt: null },
          })
          .returning('id')
          .executeTakeFirstOrThrow();
      });
      return tokens.issue({ userId, sessionId: id, generation: 0, issuedAt, refreshUntil: until });
    },

    async refresh(refreshToken) {
      const claims = await tokens.verify(refreshToken, 'refresh');
      const current = await database.transaction((tx) =>
        rotate(database, tx, { ...claims, at: now(), refreshUntil }),
      );
      if (!current) throw unauthenticated('token_blacklisted', 'Token is blacklisted');
      return tokens.issue(current);
    },

    async authenticate(accessToken) {
      const { sessionId, userId } = await tokens.verify(accessToken, 'access');
      const [row] = await findViewer({ userId, sessionId });
      if (!row) throw unauthenticated('user_not_found', 'User not found');
      if (row.suspendedAt !== null) throw unauthenticated('user_inactive', 'User is inactive');
      if (row.sessionId === null || row.revokedAt !== null)
        throw unauthenticated('session_ended', 'Token is invalid or expired');
      return { userId, profileId: row.profileId, sessionId, role: row.role };
    },

    async end({ viewer, refreshToken }) {
      const claims = await tokens
        .verify(refreshToken, 'refresh', { evenExpired: true })
        .catch(() => undefined);
      if (!claims) return false;
      await database.transaction(async (tx) =>
        tx
          .updateTable('sessions')
          .set({ revokedAt: now() })
          .where('id', 'in', [viewer.sessionId, claims.sessionId])
          .where('userId', '=', viewer.userId)
          .where('revokedAt', 'is', null)
          .execute(),
      );
      return true;
    },

    async endAll(tx, userId) {
      await database.dialect.lock(tx, `account:${userId}`);
      await tx
        .updateTable('sessions')
        .set({ revokedAt: now() })
        .where('userId', '=', userId)
        .where('revokedAt', 'is', null)
        .execute();
    },
  };
}

const prepareViewer = ({ prepare }: Database) =>
  prepare((read, { userId, sessionId }: { userId: number; sessionId: number }) =>
    read
      .selectFrom('users')
      .innerJoin('profiles', 'profiles.userId', 'users.id')
      .leftJoin('sessions', (join) =>
        join.onRef('sessions.userId', '=', 'users.id').on('sessions.id', '=', sessionId),
      )
      .select([
        'users.role',
        'users.suspendedAt',
        'profiles.id as profileId',
        'sessions.id as sessionId',
        'sessions.revokedAt',
      ])
      .where('users.id', '=', userId),
  );

export const wrongCredentials = () =>
  unauthenticated('wrong_credentials', 'No active account found with the given credentials');

/** Whoever sets another password, or suspends the user, ends all sessions: one that begins then is either among them or is refused. */
async function requirePassword(
  { dialect }: Database,
  tx: Transaction,
  { userId, passwordHash }: { userId: number; passwordHash: string },
): Promise<void> {
  await dialect.lock(tx, `account:${userId}`);
  const user = await tx
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('passwordHash', '=', passwordHash)
    .where('suspendedAt', 'is', null)
    .executeTakeFirst();
  if (!user) throw wrongCredentials();
}

interface Rotation extends TokenClaims {
  at: number;
  refreshUntil: (issuedAt: number, createdAt: number) => number;
}

/** The generation that the holder of `generation` is entitled to now, or undefined when the session is over. */
async function rotate(
  { dialect }: Database,
  tx: Transaction,
  { userId, sessionId, generation, at, refreshUntil }: Rotation,
) {
  await dialect.lock(tx, `session:${sessionId}`);
  const session = await tx
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.userId')
    .selectAll('sessions')
    .select('users.suspendedAt')
    .where('sessions.id', '=', sessionId)
    .where('sessions.userId', '=', userId)
    .executeTakeFirst();
  if (!session || session.revokedAt !== null || session.suspendedAt !== null || session.expiresAt <= at)
    return undefined;

  if (generation === session.generation) {
    const until = refreshUntil(at, session.createdAt);
    const next = generation + 1;
    await tx
      .updateTable('sessions')
      .set({ generation: next, rotatedAt: at, expiresAt: until })
      .where('id', '=', sessionId)
      .execute();
    return { userId, sessionId, generation: next, issuedAt: at, refreshUntil: until };
  }
  // Either way: a clock that was set back must not stretch the grace.
  if (generation === session.generation - 1 && Math.abs(at - session.rotatedAt) <= REUSE_GRACE_MS) {
    return {
      userId,
      sessionId,
      generation: session.generation,
      issuedAt: session.rotatedAt,
      refreshUntil: session.expiresAt,
    };
  }
  await tx.updateTable('sessions').set({ revokedAt: at }).where('id', '=', sessionId).execute();
  return undefined;
}
