// Refusals of the uploads door: a status that tus's clients act upon, and JSON that says why.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { DomainError, type ErrorKind } from '../../platform/errors.ts';
import { tellExhausted } from '../limits.ts';

const STATUS: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unsupported: 415,
  rate_limited: 429,
  unavailable: 503,
};

/** Where tus says it more precisely than the kind does. */
const STATUS_OF_CODE: Record<string, number> = {
  checksum_mismatch: 460,
  length_needed: 411,
  too_many_uploads: 429,
  upload_busy: 423,
  upload_closed: 403,
  version_not_supported: 412,
};

const SENTENCES: Record<number, string> = {
  408: 'The request took too long.',
  413: 'The request body is too large.',
  415: 'Unsupported media type in request.',
};

export async function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (error instanceof DomainError) return answerDomainError(error, reply);
  // An id that is none names nothing.
  if (hasZodFastifySchemaValidationErrors(error) && error.validationContext === 'params')
    return reply.code(404).send({ error: 'Not found.', code: 'upload_not_found' });
  const status = error.statusCode ?? 500;
  if (status < 500)
    return reply.code(status).send({ error: SENTENCES[status] ?? 'The request is not valid.' });
  request.log.error({ err: error }, 'a request failed');
  return reply.code(500).send({ error: 'Something went wrong on the server.' });
}

function answerDomainError({ kind, code, message, details }: DomainError, reply: FastifyReply): FastifyReply {
  const { retryAfter, offset, missing } = details;
  reply.code(STATUS_OF_CODE[code] ?? STATUS[kind]);
  if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter));
  if (kind === 'rate_limited') tellExhausted(reply, retryAfter ?? 1);
  if (kind === 'unauthenticated') reply.header('WWW-Authenticate', 'Bearer realm="api"');
  if (offset !== undefined) reply.header('Upload-Offset', String(offset));
  return reply.send({
    error: message,
    code,
    ...(offset !== undefined && { offset }),
    ...(missing && { missing }),
  });
}
