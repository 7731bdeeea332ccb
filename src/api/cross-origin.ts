// What pages of the configured origins may send and read (CORS). A route may name headers of its own, and answer OPTIONS
// itself where that is no preflight.
import type { FastifyCorsOptions } from '@fastify/cors';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    crossOrigin?: {
      /** Headers that its requests may have besides those of every route. */
      requestHeaders: readonly string[];
      /** Headers of its answers that pages may read, besides. */
      answerHeaders: readonly string[];
    };
  }
}

const REQUEST_HEADERS = [
  'accept',
  'accept-encoding',
  'authorization',
  'content-type',
  'dnt',
  'origin',
  'user-agent',
  'x-csrftoken',
  'x-requested-with',
];
const ANSWER_HEADERS = [
  'Link',
  'Retry-After',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'X-Request-Id',
];

type Answer = (error: Error | null, options: FastifyCorsOptions) => void;

export function createCrossOrigin(
  allowed: readonly string[],
): (request: FastifyRequest, answer: Answer) => void {
  const every: FastifyCorsOptions = {
    origin: [...allowed],
    allowedHeaders: REQUEST_HEADERS,
    methods: ['DELETE', 'GET', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
    exposedHeaders: ANSWER_HEADERS,
    maxAge: 86_400,
    optionsSuccessStatus: 200,
    strictPreflight: false,
  };
  return ({ routeOptions, headers }, answer) => {
    const own = routeOptions.config.crossOrigin;
    if (!own) return answer(null, every);
    return answer(null, {
      ...every,
      allowedHeaders: [...REQUEST_HEADERS, ...own.requestHeaders],
      methods: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
      exposedHeaders: [...ANSWER_HEADERS, ...own.answerHeaders],
      preflight: headers['access-control-request-method'] !== undefined,
    });
  };
}
