// `/media/`: stored blobs, with Range, validators and their real type. A blob never changes under its key, so it may be
// kept for ever; nothing but blobs can be reached, as keys are looked up in the store and never joined into a path here.
import { readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import fresh from 'fresh';
import parseRange from 'range-parser';
import type { Blob, Storage } from '../../platform/storage/storage.ts';

/** By ending; what has no type here is sent as bytes that no browser opens. */
const TYPES: Record<string, string> = {
  jpg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  avi: 'video/x-msvideo',
  wmv: 'video/x-ms-wmv',
  mkv: 'video/x-matroska',
  webm: 'video/webm',
  '3gp': 'video/3gpp',
  ts: 'video/mp2t',
  mpg: 'video/mpeg',
  flv: 'video/x-flv',
  ogv: 'video/ogg',
  m3u8: 'application/vnd.apple.mpegurl',
  m4s: 'video/iso.segment',
};

const DEFAULTS = ['default_profile_picture.png', 'default_cover_image.png'];

export function createFilesDoor({ storage }: { storage: Storage }): FastifyPluginAsync {
  return async (app) => {
    for (const name of DEFAULTS) await serveDefault(app, name);
    app.route({
      method: ['GET', 'HEAD'],
      url: '/media/*',
      handler: async (request, reply) => {
        const key = (request.params as { '*': string })['*'];
        const blob = await storage.blobs.open(key);
        if (!blob) return reply.code(404).send({ detail: 'Not found.' });
        reply.header('cache-control', 'public, max-age=31536000, immutable');
        return sendBlob(blob, { request, reply: reply.type(typeOf(key)) });
      },
    });
  };
}

/** The pictures of whoever has none. */
async function serveDefault(app: FastifyInstance, name: string): Promise<void> {
  const content = await readFile(new URL(`defaults/${name}`, import.meta.url));
  app.route({
    method: ['GET', 'HEAD'],
    url: `/media/${name}`,
    handler: async (_request, reply) =>
      reply
        .type('image/png')
        .header('cache-control', 'public, max-age=86400')
        .header('content-disposition', 'inline')
        .send(content),
  });
}

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
}

/** RFC 9110 sections 13 and 14: validators first, then one range. */
function sendBlob(blob: Blob, { request, reply }: Exchange): FastifyReply {
  const modified = new Date(blob.modifiedAt).toUTCString();
  const etag = `"${blob.size.toString(16)}-${Math.floor(blob.modifiedAt).toString(16)}"`;
  reply
    .header('content-disposition', 'inline')
    .header('accept-ranges', 'bytes')
    .header('last-modified', modified)
    .header('etag', etag);
  if (fresh(request.headers, { etag, 'last-modified': modified })) return reply.code(304).send();
  const range = wantedRange(request, { size: blob.size, etag, modified });
  if (range === 'unsatisfiable') {
    return reply
      .code(416)
      .header('cache-control', 'no-store')
      .header('content-range', `bytes */${blob.size}`)
      .type('application/json')
      .send({ detail: 'Range not satisfiable.' });
  }
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${blob.size}`);
  reply.header('content-length', range ? range.end - range.start + 1 : blob.size);
  return request.method === 'HEAD' || blob.size === 0 ? reply.send('') : reply.send(blob.read(range));
}

/** Several ranges, or a range of another version, get the whole. */
function wantedRange(
  { headers, method }: FastifyRequest,
  { size, etag, modified }: { size: number; etag: string; modified: string },
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const ifRange = headers['if-range'];
  if (
    method !== 'GET' ||
    headers.range === undefined ||
    (ifRange !== undefined && ifRange !== etag && ifRange !== modified)
  )
    return undefined;
  // More than there is from the end means all of it (RFC 9110 section 14.1.2), which the parser takes for none.
  const ranges = parseRange(
    size,
    headers.range.replace(/^bytes=-(\d+)$/, (range, length) => (Number(length) > size ? 'bytes=0-' : range)),
  );
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  return ranges[0];
}

const typeOf = (key: string): string =>
  TYPES[key.slice(key.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream';
