// tus 1.0: core, creation, creation-with-upload, creation-defer-length, checksum, expiration, termination.
// https://tus.io/protocols/resumable-upload
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalid, unavailable, unsupported } from '../../platform/errors.ts';
import { CHECKSUMS, readAnnounced, readBytes, readChecksum, readHeader, readMetadata } from './headers.ts';
import { addressOf, type Exchange, tellExpiry, type UploadsOptions } from './options.ts';
import { createReceive } from './receiving.ts';

const VERSION = '1.0.0';
const CONTENT_TYPE = 'application/offset+octet-stream';
const EXTENSIONS = 'creation,creation-with-upload,creation-defer-length,checksum,expiration,termination';

export interface Tus {
  /** What the server can, asked for without a word of the protocol. */
  tell(reply: FastifyReply): Promise<FastifyReply>;
  create(exchange: Exchange): Promise<FastifyReply>;
  head(exchange: Exchange & { id: string }): Promise<FastifyReply>;
  patch(exchange: Exchange & { id: string }): Promise<FastifyReply>;
}

export function createTus(options: UploadsOptions): Tus {
  const { media, limits } = options;
  const { resources } = media;
  const receive = createReceive(options);

  return {
    tell: async (reply) =>
      reply
        .code(204)
        .headers({
          'Tus-Version': VERSION,
          'Tus-Extension': EXTENSIONS,
          'Tus-Max-Size': String(limits.videoBytes),
          'Tus-Checksum-Algorithm': Object.keys(CHECKSUMS).join(','),
        })
        .send(),

    async create(exchange) {
      const { request, reply, viewer } = exchange;
      const length = readLength(request);
      const { raw: metadata, filename: label } = readMetadata(request);
      const brings = bringsBytes(request);
      if (brings) requireContentType(request);
      const checksum = readChecksum(request);
      let state = await resources.create({ viewer, label, length, metadata });
      reply.header('Location', addressOf(state));
      if (brings) {
        try {
          const received = await receive(exchange, { id: state.id, offset: 0, checksum });
          if (received.end !== 'whole')
            throw unavailable('body_incomplete', 'The request broke off.', { retryAfter: 1 });
          ({ state } = received);
        } catch (error) {
          // Nobody has been told of it.
          await resources.remove({ viewer, id: state.id });
          reply.removeHeader('Location');
          throw error;
        }
        reply.header('Upload-Offset', String(state.offset));
      }
      tellExpiry(reply, state);
      return reply.code(201).send();
    },

    async head({ reply, viewer, id }) {
      const state = await resources.settle({ viewer, id });
      reply.header('Upload-Offset', String(state.offset));
      if (state.length === null) reply.header('Upload-Defer-Length', '1');
      else reply.header('Upload-Length', String(state.length));
      if (state.metadata !== null) reply.header('Upload-Metadata', state.metadata);
      tellExpiry(reply, state);
      return reply.code(200).send();
    },

    async patch(exchange) {
      const { request, reply, id } = exchange;
      const offset = readBytes(request, 'Upload-Offset');
      if (offset === undefined) throw invalid('offset_missing', 'Upload-Offset is missing.');
      const length = readBytes(request, 'Upload-Length');
      const { state } = await receive(exchange, { id, offset, length, checksum: readChecksum(request) });
      tellExpiry(reply, state);
      return reply.code(204).header('Upload-Offset', String(state.offset)).send();
    },
  };
}

export function markAnswer(reply: FastifyReply): void {
  reply.header('Tus-Resumable', VERSION);
}

/** Refuses another version of the protocol, or none. */
export function checkVersion(request: FastifyRequest, reply: FastifyReply): void {
  markAnswer(reply);
  if (readHeader(request, 'Tus-Resumable') === VERSION) return;
  reply.header('Tus-Version', VERSION);
  throw invalid('version_not_supported', `Tus-Resumable has to be ${VERSION}.`);
}

/** Null when the client will say it later. */
function readLength(request: FastifyRequest): number | null {
  const length = readBytes(request, 'Upload-Length');
  const defer = readHeader(request, 'Upload-Defer-Length');
  if ((length === undefined) === (defer === undefined) || (defer !== undefined && defer !== '1'))
    throw invalid('length_missing', 'Either Upload-Length or Upload-Defer-Length: 1 is needed.');
  return length ?? null;
}

const bringsBytes = (request: FastifyRequest): boolean => readAnnounced(request) !== 0;

export function requireContentType({ headers }: FastifyRequest): void {
  if (headers['content-type'] !== CONTENT_TYPE)
    throw unsupported('content_type', `Bytes come as ${CONTENT_TYPE}.`);
}
