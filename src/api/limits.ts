// Limits on requests: by address without a good token, by account and sign-in with one. Answers say what is left in
// `X-RateLimit-*`, as apps for Mastodon read it. Pieces of uploads count by their bytes alone, 64 KiB at least: a gigabyte
// is a thousand of them. Which door's routes are limited the door says; media and pages are not.
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { Viewer } from '../features/users/index.ts';
import { rateLimited } from '../platform/errors.ts';
import type { Allowance, Limits } from '../platform/limits/limits.ts';
import type { Viewers } from './viewer.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request counts as, where the method does not say it. */
    counts?: Kind;
  }
}

type Kind = 'reads' | 'writes' | 'deletes' | 'pictures' | 'uploads';

export interface RequestLimits {
  /** Counts the request before its body is read; throws `rate_limited`. */
  check: onRequestAsyncHookHandler;
  /** Counts the bytes that a request brings to an upload; throws `rate_limited`. */
  countUpload(upload: { viewer: Viewer; bytes: number; reply: FastifyReply }): Promise<void>;
  /** Makes what was counted the bytes that came. */
  correctUpload(upload: { viewer: Viewer; counted: number; came: number }): Promise<void>;
}

/** Bytes that a request counts as at least: what has none costs the database as much as what has some. */
const LEAST_BYTES = 65_536;
const toPoints = (bytes: number): number => Math.max(bytes, LEAST_BYTES);

/** `uploadBytes`: per account and day. */
export function createRequestLimits({
  limits,
  viewers,
  uploadBytes,
}: {
  limits: Limits;
  viewers: Viewers;
  uploadBytes: number;
}): RequestLimits {
  const uploads = limits.create('upload-bytes', uploadBytes);
  const anonymous = { reads: limits.create('reads-address'), writes: limits.create('writes-address') };
  const reads = { token: limits.create('reads-token'), account: limits.create('reads-account') };
  const writes = limits.create('writes-account');
  const special = { deletes: limits.create('deletes'), pictures: limits.create('pictures') };

  async function charge(request: FastifyRequest): Promise<Allowance[]> {
    const kind = kindOf(request);
    // Whether a token is good decides what its request counts as; whether it is needed is the route's affair.
    const viewer = await viewers.find(request).catch(() => undefined);
    if (!viewer) return [await anonymous[kind === 'reads' ? 'reads' : 'writes'].count(request.ip)];
    const account = String(viewer.userId);
    if (kind === 'uploads') return [await uploads.count(account, 0)];
    if (kind === 'reads')
      return Promise.all([reads.token.count(String(viewer.sessionId)), reads.account.count(account)]);
    if (kind === 'writes') return [await writes.count(account)];
    return Promise.all([writes.count(account), special[kind].count(account)]);
  }

  return {
    async check(request, reply) {
      settle(reply, await charge(request));
    },
    async countUpload({ viewer, bytes, reply }) {
      settle(reply, [await uploads.count(String(viewer.userId), toPoints(bytes))]);
    },
    async correctUpload({ viewer, counted, came }) {
      const [account, more] = [String(viewer.userId), toPoints(came) - toPoints(counted)];
      if (more > 0) await uploads.count(account, more);
      else if (more < 0) await uploads.giveBack(account, -more);
    },
  };
}

/** Says of a refusal, whoever made it, that nothing is left. `retryAfter` in seconds. */
export function tellExhausted(reply: FastifyReply, retryAfter: number): void {
  reply
    .header('Retry-After', String(retryAfter))
    .header('X-RateLimit-Remaining', '0')
    .header('X-RateLimit-Reset', new Date(Date.now() + retryAfter * 1_000).toISOString());
}

function kindOf({ routeOptions, method }: FastifyRequest): Kind {
  if (routeOptions.config.counts) return routeOptions.config.counts;
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? 'reads' : 'writes';
}

/** Tells of the limit that is nearest and throws when one is reached. */
function settle(reply: FastifyReply, allowances: readonly Allowance[]): void {
  const nearest = allowances.reduce((one, other) => (other.left < one.left ? other : one));
  const waits = allowances.flatMap(({ retryAfter }) => retryAfter ?? []);
  reply
    .header('X-RateLimit-Limit', String(nearest.limit))
    .header('X-RateLimit-Remaining', String(nearest.left))
    .header('X-RateLimit-Reset', new Date(nearest.resetAt).toISOString());
  if (waits.length > 0) throw rateLimited(Math.max(...waits));
}
