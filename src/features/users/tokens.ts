// Access and refresh tokens: JWTs signed with HS256 (RFC 7519, RFC 8725). Each is derived from its session and
// generation alone, so the same generation always yields the very same pair and no token is ever stored.
import { createHmac, hkdfSync } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { unauthenticated } from '../../platform/errors.ts';

export interface TokenPair {
  access: string;
  refresh: string;
}

export interface TokenClaims {
  userId: number;
  sessionId: number;
  generation: number;
}

/** The point in a session's life that a pair of tokens stands for; times in epoch milliseconds. */
export interface Generation {
  userId: number;
  sessionId: number;
  generation: number;
  issuedAt: number;
  refreshUntil: number;
}

export interface Tokens {
  issue(generation: Generation): Promise<TokenPair>;
  /**
   * Throws `unauthenticated` with code `token_invalid` (forged, expired, no token at all) or `token_wrong_type`.
   * Whether the session still lives is not looked at. An expired one is accepted with `evenExpired`.
   */
  verify(token: string, type: TokenType, options?: { evenExpired?: boolean }): Promise<TokenClaims>;
}

export type TokenType = 'access' | 'refresh';

const claimsSchema = z.object({
  token_type: z.enum(['access', 'refresh']),
  user_id: z.int().positive(),
  sid: z.int().positive(),
  gen: z.int().nonnegative(),
});

export function createTokens(options: {
  secretKey: string;
  accessLifetimeMs: number;
  now: () => number;
}): Tokens {
  const signing = derive(options.secretKey, 'veranda tokens');
  const naming = derive(options.secretKey, 'veranda token ids');

  function sign(
    type: TokenType,
    { generation, until }: { generation: Generation; until: number },
  ): Promise<string> {
    const id = createHmac('sha256', naming)
      .update(`${type}:${generation.sessionId}:${generation.generation}`)
      .digest('hex')
      .slice(0, 32);
    return new SignJWT({
      token_type: type,
      user_id: generation.userId,
      sid: generation.sessionId,
      gen: generation.generation,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt(seconds(generation.issuedAt))
      .setExpirationTime(seconds(until))
      .setJti(id)
      .sign(signing);
  }

  return {
    async issue(generation) {
      const accessUntil = Math.min(generation.issuedAt + options.accessLifetimeMs, generation.refreshUntil);
      const [access, refresh] = await Promise.all([
        sign('access', { generation, until: accessUntil }),
        sign('refresh', { generation, until: generation.refreshUntil }),
      ]);
      return { access, refresh };
    },
    async verify(token, type, { evenExpired = false } = {}) {
      const claims = await open({ token, key: signing, at: evenExpired ? 0 : options.now() });
      if (claims.token_type !== type) throw unauthenticated('token_wrong_type', 'Token has wrong type');
      return { userId: claims.user_id, sessionId: claims.sid, generation: claims.gen };
    },
  };
}

async function open({
  token,
  key,
  at,
}: {
  token: string;
  key: Uint8Array;
  at: number;
}): Promise<z.infer<typeof claimsSchema>> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      currentDate: new Date(at),
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    return claimsSchema.parse(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof z.ZodError)
      throw unauthenticated('token_invalid', 'Token is invalid or expired');
    throw error;
  }
}

/** One key per purpose (HKDF, RFC 5869), so that no value made for one can serve for another. */
function derive(secretKey: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secretKey, '', purpose, 32));
}

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1_000);
