// `/api/posts/post/add/media/`: pictures as data URLs, videos in chunks.
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { notFound, tooLarge } from '../../platform/errors.ts';
import type { Spool } from '../../platform/spools.ts';
import { readDataUrl } from './data-urls.ts';
import { readForm } from './forms.ts';
import { toMedia } from './objects.ts';
import type { ClassicOptions } from './options.ts';
import * as schemas from './schemas.ts';

const pictureBody = z.object({ postID: schemas.id, imageBase64: z.string(), ...schemas.description });
/** A video is named by what the last chunk was answered with, or by the id that the other doors know its upload by. */
const finalizeBody = z.object({
  postID: schemas.id,
  videoID: z.union([schemas.id, z.string().regex(/^[0-9a-f]{32}$/)]),
});

const chunkForm = z.object({
  filename: z.string().min(1),
  chunk: z.custom<Spool>((value) => typeof value === 'object'),
  offset: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/)
    .optional(),
});

export async function mediaRoutes(
  app: FastifyInstance,
  { posts, media, viewers, limits }: ClassicOptions,
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const pictureAdded = z.object({ message: z.string() });
  routes.post(
    '/post/add/media/image/',
    {
      bodyLimit: asText(limits.pictureBytes) + 65_536,
      config: { counts: 'pictures' },
      schema: { body: pictureBody, response: { 200: pictureAdded } },
    },
    async (request) => {
      const viewer = await viewers.require(request);
      const { postID: postId, imageBase64, alt, focus } = request.body;
      const bytes = readDataUrl(imageBase64, { maxBytes: limits.pictureBytes });
      await posts.attaching.addPicture({ viewer, postId, bytes, alt, focus });
      return { message: 'Image Added suffcefull' };
    },
  );

  routes.patch(
    '/post/media/:id/',
    {
      schema: {
        params: schemas.idParams,
        body: z.object(schemas.description),
        response: { 200: schemas.media },
      },
    },
    async (request) => {
      const viewer = await viewers.require(request);
      const mediaId = request.params.id;
      const postId = await posts.attaching.describePicture({ viewer, mediaId, ...request.body });
      const shown = (await media.views.byPost([postId])).get(postId)?.find(({ id }) => id === mediaId);
      if (!shown) throw notFound('media');
      return toMedia(shown);
    },
  );

  routes.post(
    '/post/add/media/video/finalize/',
    { schema: { body: finalizeBody, response: { 200: schemas.sentence } } },
    async (request) => {
      const viewer = await viewers.require(request);
      await posts.attaching.addVideo({ viewer, postId: request.body.postID, upload: request.body.videoID });
      return ['Video Added Successfully'];
    },
  );
}

export async function chunkRoutes(
  app: FastifyInstance,
  { media, viewers, limits, requestLimits, spools }: ClassicOptions,
): Promise<void> {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const badChunk = z.object({ status: z.string().optional(), error: z.string().optional() });
  routes.post(
    '/post/add/media/video/',
    {
      config: { counts: 'uploads', form: chunkForm },
      schema: { response: { 200: schemas.media, 400: badChunk } },
    },
    async (request, reply) => {
      const viewer = await viewers.require(request);
      await using spool = spools.open();
      const large = { name: 'chunk', maxBytes: limits.chunkBytes, spool };
      const form = chunkForm.safeParse(
        await readForm(request, { maxFieldBytes: asText(limits.chunkBytes), large }),
      );
      if (!form.success) return await reply.code(400).send({ status: 'Bad request' });
      const { filename: label, chunk, offset, sha256 } = form.data;
      if (chunk.length > limits.chunkBytes)
        throw tooLarge('chunk_too_large', `Chunks may have at most ${limits.chunkBytes} bytes.`);
      await requestLimits.countUpload({ viewer, bytes: chunk.length, reply });
      const stored = await media.uploads.append({
        viewer,
        label,
        content: chunk,
        connection: nameConnection(request.raw.socket),
        offset,
        sha256,
      });
      return {
        id: stored.mediaId,
        filename: stored.label,
        file: `/media/${stored.expectedKey}`,
        hls_url: null,
      };
    },
  );
}

/** Characters of a data URL of so many bytes, its beginning included. */
const asText = (bytes: number): number => Math.ceil((bytes * 4) / 3) + 1_024;

const connections = new WeakMap<Socket, string>();

/** A name for the connection that no other one has, in this process or another. */
function nameConnection(socket: Socket): string {
  const name = connections.get(socket) ?? randomUUID();
  connections.set(socket, name);
  return name;
}
