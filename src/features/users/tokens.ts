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
  exp: z.int(),
});
type Claims = z.infer<typeof claimsSchema>;

export function createTokens(options: {
  secretKey: string;
  accessLifetimeMs: number;
  now: () => number;
}): Tokens {
  const signing = derive(options.secretKey, 'veranda tokens');
  const naming = derive(options.secretKey, 'veranda token ids');
  const seen = createSeenTokens();

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
      const claims = seen.get(token) ?? seen.add(token, await open(token, signing));
      if (!evenExpired && claims.exp * 1_000 <= options.now()) throw invalidToken();
      if (claims.token_type !== type) throw unauthenticated('token_wrong_type', 'Token has wrong type');
      return { userId: claims.user_id, sessionId: claims.sid, generation: claims.gen };
    },
  };
}

/** Checks the signature and the shape, not the time. */
async function open(token: string, key: Uint8Array): Promise<Claims> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      currentDate: new Date(0),
      requiredClaims: ['exp', 'iat', 'jti'],
    });
    return claimsSchema.parse(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof z.ZodError) throw invalidToken();
    throw error;
  }
}

const invalidToken = () => unauthenticated('token_invalid', 'Token is invalid or expired');

/** Tokens whose signature was found good, the latest 10,000: checking it again costs more than all else in a small request. */
function createSeenTokens() {
  const tokens = new Map<string, Claims>();
  return {
    get: (token: string): Claims | undefined => tokens.get(token),
    add(token: string, claims: Claims): Claims {
      if (tokens.size >= 10_000) tokens.delete(tokens.keys().next().value ?? '');
      tokens.set(token, claims);
      return claims;
    },
  };
}

/** One key per purpose (HKDF, RFC 5869), so that no value made for one can serve for another. */
function derive(secretKey: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secretKey, '', purpose, 32));
}

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1_000);
