// A whole file in one request, as any HTML form sends it (multipart/form-data, RFC 7578). It becomes an upload that lacks
// nothing. Whoever wants to go on after a break takes another form.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MultipartFile } from '@fastify/multipart';
import type { UploadState } from '../../features/media/index.ts';
import { invalid, tooLarge, unavailable } from '../../platform/errors.ts';
import { readAnnounced } from './headers.ts';
import { addressOf, asJson, type Exchange, tellExpiry, type UploadsOptions } from './options.ts';
import { createReceive } from './receiving.ts';

/** Bytes of a form beside its file. */
const BESIDES = 65_536;
/** The size of the file is bounded by the upload's own limit, as it comes. */
const FORM_LIMITS = {
  ...{ fileSize: Number.MAX_SAFE_INTEGER, files: 2, fields: 10, parts: 12 },
  ...{ fieldSize: 4_096, headerPairs: 20, headerSize: 8_192 },
};

export interface Forms {
  /** Takes the only file of the form; other fields are passed over. */
  create(exchange: Exchange): Promise<FastifyReply>;
}

export function createForms(options: UploadsOptions): Forms {
  const { resources } = options.media;
  const { videoBytes } = options.limits;
  const receive = createReceive(options);

  return {
    async create(exchange) {
      const { request, reply, viewer } = exchange;
      const announced = readAnnounced(request);
      if (announced !== undefined && announced > videoBytes + BESIDES)
        throw tooLarge('video_too_large', `Videos may have at most ${videoBytes} bytes.`);
      // All that is announced is kept free until the file is known to be smaller.
      const reserved = Math.min(announced ?? 0, videoBytes);
      let begun: UploadState | undefined;
      try {
        for await (const file of readFiles(request)) {
          if (begun) throw invalid('one_file_only', 'A form brings one file.');
          const label = file.filename;
          begun = await resources.create({ viewer, label, length: null, metadata: null, reserved });
          begun = await store(exchange, { id: begun.id, file });
        }
        if (!begun) throw invalid('file_missing', 'The form brings no file.');
        begun = await resources.complete({ viewer, id: begun.id, offset: begun.offset });
      } catch (error) {
        // Nobody has been told of it.
        if (begun) await resources.remove({ viewer, id: begun.id });
        throw error;
      }
      tellExpiry(reply, begun);
      reply.code(201).header('Location', addressOf(begun));
      return reply.send(asJson({ ...begun, missing: [] }));
    },
  };

  async function store(exchange: Exchange, { id, file }: { id: string; file: MultipartFile }) {
    const { state, end } = await receive(exchange, { id, offset: 0, content: file.file });
    if (end === 'whole') return state;
    if (exchange.request.raw.complete) throw notValid();
    throw unavailable('body_incomplete', 'The request broke off.', { retryAfter: 1 });
  }
}

/** The files of a form, each to be read before the next. */
async function* readFiles(request: FastifyRequest): AsyncGenerator<MultipartFile, void> {
  try {
    for await (const part of request.parts({ limits: FORM_LIMITS })) if (part.type === 'file') yield part;
  } catch {
    // It is none, is cut, or has too much of something.
    throw notValid();
  }
}

const notValid = () => invalid('form_not_valid', 'The form could not be read.');

export const isForm = ({ headers }: FastifyRequest): boolean =>
  /^multipart\/form-data(?:;|$)/i.test(headers['content-type'] ?? '');
