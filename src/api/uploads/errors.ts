// Refusals of the uploads door: a status that clients act upon, and JSON that says why, as problem details (RFC 9457) where
// the request is one of the draft's.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { DomainError, type ErrorDetails, type ErrorKind } from '../../platform/errors.ts';
import { tellExhausted } from '../limits.ts';
import { isOfDraft } from './draft.ts';
import { readAnnounced } from './headers.ts';
import type { UploadsOptions } from './options.ts';
import { readInteger } from './structured-fields.ts';

interface Refusal {
  status: number;
  message: string;
  code?: string;
  details?: ErrorDetails;
}

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

type Answer = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

export function createErrorAnswer({ speaksDraft, limits }: UploadsOptions): Answer {
  return async (error, request, reply) => {
    const refusal = refuse(error, request);
    tellDetails(reply, error);
    if (!speaksDraft || !isOfDraft(request)) return answerPlainly(reply, refusal);
    if (refusal.status === 413 && !reply.hasHeader('Upload-Limit'))
      reply.header('Upload-Limit', `max-size=${limits.videoBytes}`);
    return answerProblem({ request, reply }, refusal);
  };
}

function refuse(error: FastifyError, request: FastifyRequest): Refusal {
  if (error instanceof DomainError) {
    const { kind, code, message, details } = error;
    return { status: STATUS_OF_CODE[code] ?? STATUS[kind], code, message, details };
  }
  // An id that is none names nothing.
  if (hasZodFastifySchemaValidationErrors(error) && error.validationContext === 'params')
    return { status: 404, code: 'upload_not_found', message: 'Not found.' };
  const status = error.statusCode ?? 500;
  if (status < 500) return { status, message: SENTENCES[status] ?? 'The request is not valid.' };
  request.log.error({ err: error }, 'a request failed');
  return { status: 500, message: 'Something went wrong on the server.' };
}

function tellDetails(reply: FastifyReply, error: unknown): void {
  if (!(error instanceof DomainError)) return;
  const { retryAfter, offset } = error.details;
  if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter));
  if (error.kind === 'rate_limited') tellExhausted(reply, retryAfter ?? 1);
  if (error.kind === 'unauthenticated') reply.header('WWW-Authenticate', 'Bearer realm="api"');
  if (offset !== undefined) reply.header('Upload-Offset', String(offset));
}

function answerPlainly(reply: FastifyReply, { status, code, message, details = {} }: Refusal): FastifyReply {
  const { offset, missing } = details;
  return reply.code(status).send({
    error: message,
    ...(code !== undefined && { code }),
    ...(offset !== undefined && { offset }),
    ...(missing && { missing }),
  });
}

/** Problems that the draft has names for; a status of HTTP where tus has one of its own. */
const PROBLEMS: Record<string, { status: number; name?: string; title?: string }> = {
  offset_mismatch: { status: 409, name: 'mismatching-upload-offset', title: 'Mismatching Upload Offset' },
  upload_complete: { status: 400, name: 'completed-upload', title: 'Upload Is Completed' },
  upload_closed: { status: 400, name: 'completed-upload', title: 'Upload Is Completed' },
  length_not_valid: {
    status: 400,
    ...{ name: 'inconsistent-upload-length', title: 'Inconsistent Upload Length Values' },
  },
  upload_busy: { status: 503 },
};

function answerProblem(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  refusal: Refusal,
): FastifyReply {
  // More bytes for what is complete are a matter of its length.
  const isMore = refusal.code === 'upload_closed' && readAnnounced(request) !== 0;
  const code = isMore ? 'length_not_valid' : (refusal.code ?? '');
  const { status, name, title } = PROBLEMS[code] ?? { status: refusal.status };
  const type = name ? `https://iana.org/assignments/http-problem-types#${name}` : 'about:blank';
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      ...{ type, title: title ?? refusal.message, status, detail: refusal.message, code: refusal.code },
      ...(code === 'offset_mismatch' && {
        'expected-offset': refusal.details?.offset,
        'provided-offset': readInteger(request, 'Upload-Offset'),
      }),
    });
}
