// Refusals in the classic wire's form: `{"detail"}` for what a GET looks up and for everything about tokens,
// `{"error"}` for what a POST was told, sentences by field for forms.
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

export async function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (error instanceof DomainError) return answerDomainError(error, { request, reply });
  if (hasZodFastifySchemaValidationErrors(error)) return answerValidation(error, { request, reply });
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return reply.code(status).send(body(request, PROTOCOL_SENTENCES[status] ?? 'The request is not valid.'));
  request.log.error({ err: error }, 'a request failed');
  return reply.code(500).send(body(request, 'Something went wrong on the server.'));
}

/** What the HTTP layer refuses before a route sees it. */
const PROTOCOL_SENTENCES: Record<number, string> = {
  400: 'The request body could not be read.',
  408: 'The request took too long.',
  413: 'The request body is too large.',
  414: 'The address is too long.',
  415: 'Unsupported media type in request.',
};

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
}

function answerDomainError(error: DomainError, { request, reply }: Exchange): FastifyReply {
  const { kind, message, details } = error;
  reply.code(STATUS[kind]);
  if (details.retryAfter !== undefined) reply.header('Retry-After', String(details.retryAfter));
  if (kind === 'rate_limited') tellExhausted(reply, details.retryAfter ?? 1);
  if (kind === 'unauthenticated')
    return reply.header('WWW-Authenticate', 'Bearer realm="api"').send(tokenBody(error));
  if (details.fields) return reply.send(details.fields);
  const { offset, missing } = details;
  return reply.send({
    ...body(request, message),
    ...(offset !== undefined && { offset }),
    ...(missing && { missing }),
  });
}

/** simplejwt's bodies. */
function tokenBody({ code, message }: DomainError): object {
  switch (code) {
    case 'no_credentials':
    case 'wrong_credentials':
      return { detail: message };
    case 'bad_header':
      return { detail: message, code: 'bad_authorization_header' };
    case 'user_inactive':
    case 'user_not_found':
      return { detail: message, code };
    default:
      return {
        detail: 'Given token not valid for any token type',
        code: 'token_not_valid',
        messages: [{ token_class: 'AccessToken', token_type: 'access', message }],
      };
  }
}

function answerValidation(error: FastifyError, { request, reply }: Exchange): FastifyReply {
  // An id that is none names nothing.
  if (error.validationContext === 'params') return reply.code(404).send(body(request, 'Not found.'));
  const [issue] = error.validation ?? [];
  const field = issue?.instancePath.split('/')[1];
  return reply
    .code(400)
    .send(
      body(request, field ? `${field}: ${issue?.message ?? 'not valid'}` : 'The request body is not valid.'),
    );
}

const body = (request: FastifyRequest, message: string): object =>
  request.method === 'GET' ? { detail: message } : { error: message };
