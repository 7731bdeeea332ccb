// Our own form, for clients that send parts side by side: an upload begun and looked at as JSON, its parts put wherever
// they belong, in any order. docs/uploads.md has the whole of it.
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { UploadState } from '../../features/media/index.ts';
import { conflict, invalid } from '../../platform/errors.ts';
import { readAnnounced, readBytes, readChecksum } from './headers.ts';
import { addressOf, asJson, type Exchange, tellExpiry, type UploadsOptions } from './options.ts';
import { counting } from './receiving.ts';

const newUpload = z.object({
  filename: z.string().max(1_000).default(''),
  /** Bytes. */
  length: z.int().min(0),
});

export const partQuery = z.object({
  offset: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a number of bytes')
    .transform(Number),
});

export interface Parts {
  create(exchange: Exchange): Promise<FastifyReply>;
  look(exchange: Exchange & { id: string }): Promise<FastifyReply>;
  put(exchange: Exchange & { id: string }, offset: number): Promise<FastifyReply>;
}

export function createParts(options: UploadsOptions): Parts {
  const { resources, parts } = options.media;

  async function answer({ reply, viewer }: Exchange, { id }: UploadState): Promise<FastifyReply> {
    const state = await resources.look({ viewer, id });
    tellExpiry(reply, state);
    return reply.send(asJson(state));
  }

  return {
    async create(exchange) {
      const body = newUpload.safeParse(exchange.request.body);
      if (!body.success) throw invalid('body_not_valid', 'A filename and a length in bytes are needed.');
      const { filename, length } = body.data;
      const state = await resources.create({
        ...{ viewer: exchange.viewer, label: filename, length, metadata: null },
      });
      exchange.reply.code(201).header('Location', addressOf(state));
      return answer(exchange, state);
    },

    async look(exchange) {
      const state = await resources.look(exchange);
      tellExpiry(exchange.reply, state);
      return exchange.reply.send(asJson(state));
    },

    async put(exchange, offset) {
      const { request, viewer, id } = exchange;
      const announced = readAnnounced(request);
      if (announced === undefined) throw invalid('length_needed', 'A part says its Content-Length.');
      const length = readBytes(request, 'Upload-Length');
      if (length !== undefined && (await resources.look({ viewer, id })).length !== length)
        throw conflict('length_differs', 'The upload was begun with another length.');
      const body = { content: request.raw, announced, checksum: readChecksum(request) };
      const put = () => parts.put({ viewer, id, offset, body });
      return answer(exchange, await counting(exchange, options, put));
    },
  };
}
