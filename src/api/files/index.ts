// `/media/`: stored blobs, with Range, validators and their real type. A blob never changes under its key, so it may be
// kept for ever; nothing but blobs can be reached, as keys are looked up in the store and never joined into a path here.
// Where clients can reach the store themselves they are sent there, but for playlists, which name what is looked up here, and texts
// such as captions: a browser follows the `src` of a `<track>` to no other origin.
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import fresh from 'fresh';
import parseRange from 'range-parser';
import type { Streams } from '../../features/media/index.ts';
import { DomainError } from '../../platform/errors.ts';
import { contentTypeOf, FOR_EVER } from '../../platform/storage/content-types.ts';
import { type Blob, type BlobAddress, isKey, type Storage } from '../../platform/storage/storage.ts';

const OF_A_FILE = ['content-range', 'accept-ranges', 'last-modified', 'etag', 'content-disposition'];

interface FilesDoorOptions {
  storage: Storage;
  streams: Streams;
}

const SENT_FROM_HERE = /\.(m3u8|vtt)$/;
const DEFAULTS = ['default_profile_picture.png', 'default_cover_image.png'];

export function createFilesDoor({ storage: { blobs }, streams }: FilesDoorOptions): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler(answerError);
    for (const name of DEFAULTS) await serveDefault(app, name);
    app.route({
      method: ['GET', 'HEAD'],
      url: '/media/*',
      handler: async (request, reply) => {
        const key = (request.params as { '*': string })['*'];
        const playlist = key.endsWith('.m3u8') ? await streams.findPlaylist(key) : undefined;
        if (playlist && 'text' in playlist)
          return sendText(playlist.text, { request, reply: reply.type(contentTypeOf(key)) });
        if (request.method === 'GET' && blobs.addressOf && isKey(key) && !SENT_FROM_HERE.test(key))
          return sendAway(reply, await blobs.addressOf(key));
        const blob = await blobs.open(playlist?.blobKey ?? key);
        if (!blob) return answerMissing(reply);
        reply.header('cache-control', FOR_EVER);
        return sendBlob(blob, { request, reply: reply.type(contentTypeOf(key)) });
      },
    });
  };
}

const answerMissing = (reply: FastifyReply): FastifyReply =>
  reply.code(404).type('application/json').send({ detail: 'Not found.' });

/** The way may be remembered for half of the time that the address is good for, so there is always time left to use it. */
function sendAway(reply: FastifyReply, { url, lifetimeMs }: BlobAddress): FastifyReply {
  return reply
    .header('cache-control', `private, max-age=${Math.floor(lifetimeMs / 2_000)}`)
    .redirect(url, 302);
}

/**
 * A file that was removed just now, or a store that cannot be reached; anything else is for the server. Nothing of the file is said
 * any more, whatever comes: what was to be kept for ever is not.
 */
async function answerError(
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  for (const name of OF_A_FILE) {
    reply.removeHeader(name);
    // Where they went on with the stream that then failed.
    reply.raw.removeHeader(name);
  }
  reply.header('cache-control', 'no-store');
  if ('code' in error && error.code === 'ENOENT') return answerMissing(reply);
  if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error;
  request.log.warn({ err: error }, 'a stored file cannot be sent');
  return reply
    .code(503)
    .header('retry-after', error.details.retryAfter ?? 5)
    .type('application/json')
    .send({ detail: error.message });
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

/** A playlist that may be longer in a moment: kept by nobody without asking. */
function sendText(text: string, { request, reply }: Exchange): FastifyReply {
  const etag = `"${hash('sha256', text, 'hex').slice(0, 32)}"`;
  reply.header('cache-control', 'no-cache').header('etag', etag);
  return fresh(request.headers, { etag }) ? reply.code(304).send() : reply.send(text);
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
