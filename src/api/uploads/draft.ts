// Resumable Uploads for HTTP: draft-ietf-httpbis-resumable-upload-12, interop version 8.
// https://datatracker.ietf.org/doc/draft-ietf-httpbis-resumable-upload/12/
//
// An upload is complete when its length is known and reached, whichever form said so: `Upload-Complete: ?1` says the length.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Own, UploadState } from '../../features/media/index.ts';
import { conflict, DomainError, invalid, unavailable, unsupported } from '../../platform/errors.ts';
import { parseFilename } from './content-disposition.ts';
import { readAnnounced, readHeader } from './headers.ts';
import { addressOf, asJson, type Exchange, tellExpiry, type UploadsOptions } from './options.ts';
import { createReceive } from './receiving.ts';
import { readBoolean, readInteger, toBoolean } from './structured-fields.ts';

export const PARTIAL_UPLOAD = 'application/partial-upload';
const INTEROP_VERSION = 8;

export interface Draft {
  create(exchange: Exchange): Promise<FastifyReply>;
  head(exchange: Exchange & { id: string }): Promise<FastifyReply>;
  patch(exchange: Exchange & { id: string }): Promise<FastifyReply>;
}

/** What a request says of the upload that it begins or goes on with. */
interface Said {
  id: string;
  offset: number;
  isLast: boolean;
  length: number | undefined;
}

export function createDraft(options: UploadsOptions): Draft {
  const { limits, now } = options;
  const { resources } = options.media;
  const receive = createReceive(options);

  return {
    async create(exchange) {
      const { request, reply, viewer } = exchange;
      if (request.body !== undefined) throw unsupported('content_type', 'This is no video.');
      const isLast = requireCompleteness(request);
      const { length, isConsistent } = readLength(request, { offset: 0, isLast });
      if (!isConsistent) throw inconsistentLength();
      const label = parseFilename(readHeader(request, 'Content-Disposition') ?? '');
      const begun = await resources.create({ viewer, label, length: length ?? null, metadata: null });
      const { id } = begun;
      const told = { Location: addressOf(begun), 'Upload-Limit': limitsOf(begun) };
      reply.headers(told);
      const isTold = inform(exchange, told);
      try {
        const state = await append(exchange, { id, offset: 0, isLast, length });
        return await (isLast
          ? answerComplete(exchange, state)
          : answerPart(exchange, state).code(201).send());
      } catch (error) {
        // Its client goes on with it, or gives it up; but not with what it has not heard of.
        if (!isTold) {
          await resources.remove({ viewer, id });
          reply.removeHeader('Location');
        }
        throw error;
      }
    },

    async head({ reply, viewer, id }) {
      const state = await resources.settle({ viewer, id });
      reply.headers({
        'Upload-Complete': toBoolean(isComplete(state)),
        'Upload-Offset': String(state.offset),
        'Upload-Limit': limitsOf(state),
        ...(state.length !== null && { 'Upload-Length': String(state.length) }),
      });
      return reply.code(204).send();
    },

    async patch(exchange) {
      const { request, viewer, id } = exchange;
      const offset = readInteger(request, 'Upload-Offset');
      if (offset === undefined) throw invalid('offset_missing', 'Upload-Offset is missing.');
      const isLast = requireCompleteness(request);
      const { length, isConsistent } = readLength(request, { offset, isLast });
      if (!isConsistent) throw await refuseLength({ viewer, id, offset });
      const state = await append(exchange, { id, offset, isLast, length });
      if (isLast) return answerComplete(exchange, state);
      if (isComplete(state) && state.offset === offset)
        throw conflict('upload_complete', 'This upload is complete.');
      return answerPart(exchange, state).code(204).send();
    },
  };

  async function append(exchange: Exchange, { id, offset, isLast, length }: Said): Promise<UploadState> {
    const { viewer } = exchange;
    try {
      const onRecorded = (at: number) => inform(exchange, { 'Upload-Offset': String(at) });
      const { state, end } = await receive(exchange, { id, offset, length, onRecorded });
      if (end !== 'whole') throw unavailable('body_incomplete', 'The request broke off.', { retryAfter: 1 });
      if (!isLast || isComplete(state)) return state;
      return await resources.complete({ viewer, id, offset: state.offset });
    } catch (error) {
      const isTooMuch = error instanceof DomainError && error.code === 'body_too_large';
      if (isTooMuch && (await resources.look({ viewer, id })).length !== null) throw inconsistentLength();
      throw error;
    }
  }

  /** The wrong offset comes first: it makes the length wrong that a last body ends at. */
  async function refuseLength({ offset, ...own }: Own & { offset: number }): Promise<DomainError> {
    const state = await resources.settle(own);
    if (state.offset === offset) return inconsistentLength();
    return conflict('offset_mismatch', `This upload stands at byte ${state.offset}.`, {
      offset: state.offset,
    });
  }

  function answerPart({ reply }: Exchange, state: UploadState): FastifyReply {
    return reply.headers({
      'Upload-Complete': '?0',
      'Upload-Offset': String(state.offset),
      'Upload-Limit': limitsOf(state),
    });
  }

  /** The same whether one request brought all of it or many. */
  async function answerComplete({ reply }: Exchange, state: UploadState): Promise<FastifyReply> {
    reply.headers({
      Location: addressOf(state),
      'Upload-Complete': '?1',
      'Upload-Offset': String(state.offset),
    });
    tellExpiry(reply, state);
    return reply.code(201).send(asJson({ ...state, missing: [] }));
  }

  function limitsOf({ expiresAt }: UploadState): string {
    const size = `max-size=${limits.videoBytes}`;
    if (expiresAt === null) return size;
    return `${size}, max-age=${Math.max(0, Math.floor((expiresAt - now()) / 1_000))}`;
  }
}

/** Whether a request is one of the draft's, which tus's clients have no header of. */
export function isOfDraft(request: FastifyRequest): boolean {
  if (readHeader(request, 'Tus-Resumable') !== undefined) return false;
  return (
    request.method === 'HEAD' ||
    readHeader(request, 'Upload-Draft-Interop-Version') !== undefined ||
    readHeader(request, 'Upload-Complete') !== undefined ||
    request.headers['content-type'] === PARTIAL_UPLOAD
  );
}

export function requirePartialUpload({ headers }: FastifyRequest, reply: FastifyReply): void {
  if (headers['content-type'] === PARTIAL_UPLOAD) return;
  reply.header('Accept-Patch', PARTIAL_UPLOAD);
  throw unsupported('content_type', `Bytes come as ${PARTIAL_UPLOAD}.`);
}

/**
 * Sends an interim answer 104 (Upload Resumption Supported), if the client speaks this version of the draft and Node can
 * (from 24.18 on). Answers whether it was sent.
 */
function inform({ request, reply }: Exchange, headers: Record<string, string>): boolean {
  const { raw } = reply;
  const isUnderstood = readInteger(request, 'Upload-Draft-Interop-Version') === INTEROP_VERSION;
  if (!isUnderstood || request.raw.httpVersion === '1.0') return false;
  if (typeof raw.writeInformation !== 'function' || raw.headersSent || raw.destroyed) return false;
  raw.writeInformation(104, { 'Upload-Draft-Interop-Version': String(INTEROP_VERSION), ...headers });
  return true;
}

function requireCompleteness(request: FastifyRequest): boolean {
  const isLast = readBoolean(request, 'Upload-Complete');
  if (isLast === undefined) throw invalid('completeness_missing', 'Upload-Complete is missing.');
  return isLast;
}

/** Bytes of the whole, as `Upload-Length` says them, and as a last body of known length does. */
function readLength(
  request: FastifyRequest,
  { offset, isLast }: { offset: number; isLast: boolean },
): { length: number | undefined; isConsistent: boolean } {
  const said = readInteger(request, 'Upload-Length');
  const announced = isLast ? readAnnounced(request) : undefined;
  const reached = announced === undefined ? undefined : offset + announced;
  const isConsistent = said === undefined || reached === undefined || said === reached;
  return { length: said ?? reached, isConsistent };
}

const isComplete = ({ length, offset }: UploadState): boolean => length === offset;

const inconsistentLength = () =>
  invalid('length_not_valid', 'The request contradicts what was said of the length of this upload.');
