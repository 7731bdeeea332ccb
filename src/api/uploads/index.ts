// The uploads door: one upload as one resource, by tus 1.0, by the draft of Resumable Uploads for HTTP, in parts of our own
// form, and whole in an HTML form. Bodies stream to the disk. Whoever may not upload is told so before a byte of the body is
// read. tus's requests have `Tus-Resumable`; the others are told apart by what only they have.
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest, HTTPMethods } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { unsupported } from '../../platform/errors.ts';
import { createDraft, isOfDraft, PARTIAL_UPLOAD, requirePartialUpload } from './draft.ts';
import { createErrorAnswer } from './errors.ts';
import { createForms, isForm } from './forms.ts';
import { readHeader } from './headers.ts';
import { type Exchange, PREFIX, type UploadsOptions } from './options.ts';
import { createParts, partQuery } from './parts.ts';
import { checkVersion, createTus, markAnswer, requireContentType } from './tus.ts';

export { takeOverriddenMethod } from './method.ts';

const params = z.object({ id: z.string().regex(/^[0-9a-f]{32}$/) });

const REQUEST_HEADERS = [
  ...['tus-resumable', 'upload-length', 'upload-offset', 'upload-metadata', 'upload-checksum'],
  ...['upload-defer-length', 'x-http-method-override', 'x-request-id'],
  ...['upload-complete', 'upload-draft-interop-version', 'content-disposition'],
];
const ANSWER_HEADERS = [
  ...['Location', 'Tus-Resumable', 'Tus-Version', 'Tus-Extension', 'Tus-Max-Size', 'Tus-Checksum-Algorithm'],
  ...['Upload-Length', 'Upload-Offset', 'Upload-Metadata', 'Upload-Defer-Length', 'Upload-Expires'],
  ...['Upload-Complete', 'Upload-Limit', 'Accept-Patch'],
];
const crossOrigin = { requestHeaders: REQUEST_HEADERS, answerHeaders: ANSWER_HEADERS };
const config = { crossOrigin };
/** Pieces of an upload count by their bytes alone. */
const bytes = { crossOrigin, counts: 'uploads' as const };

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

export function createUploadsDoor(options: UploadsOptions): FastifyPluginAsync {
  return async (root) => {
    await root.register(
      async (app) => {
        app.setErrorHandler(createErrorAnswer(options));
        takeBodiesAsTheyCome(app);
        await app.register(multipart);
        await app.register(openRoutes, options);
        await app.register(ownRoutes, options);
      },
      { prefix: PREFIX },
    );
  };
}

function takeBodiesAsTheyCome(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onRequest', async (request, reply) => {
    if (isTus(request)) markAnswer(reply);
  });
  // What still comes of a body that is refused would be taken for the next request.
  app.addHook('onSend', async (request, reply) => {
    if (!request.raw.complete && reply.statusCode >= 400) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request) => {
    if (!request.raw.complete) request.raw.unpipe().resume();
  });
}

/** What anybody may ask. */
async function openRoutes(app: FastifyInstance, options: UploadsOptions): Promise<void> {
  const tus = createTus(options);
  for (const url of ['/', '/:id'])
    app.options(url, { config }, (_request, reply) => {
      if (options.speaksDraft)
        reply.headers({
          'Accept-Patch': PARTIAL_UPLOAD,
          'Upload-Limit': `max-size=${options.limits.videoBytes}`,
        });
      return tus.tell(reply);
    });
  const allow: Record<string, HTTPMethods[]> = {
    '/': ['POST', 'OPTIONS'],
    '/:id': ['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
    '/:id/parts': ['PUT', 'OPTIONS'],
  };
  for (const [url, methods] of Object.entries(allow)) {
    app.route({
      method: METHODS.filter((method) => !methods.includes(method)),
      url,
      config,
      handler: async (request, reply) =>
        reply
          .code(405)
          .header('Allow', methods.join(', '))
          .send({ error: `Method "${request.method}" not allowed.` }),
    });
  }
}

/** What only somebody who is signed in may ask, and of their own uploads alone. */
async function ownRoutes(app: FastifyInstance, options: UploadsOptions): Promise<void> {
  const { viewers, requestLimits, media } = options;
  app.addHook('onRequest', requestLimits.check);
  app.addHook('onRequest', async (request) => {
    await viewers.require(request);
  });
  const tus = createTus(options);
  const parts = createParts(options);
  const forms = createForms(options);
  const draft = createDraft(options);
  const speaksDraft = (request: FastifyRequest) => options.speaksDraft && isOfDraft(request);
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const exchange = async (request: FastifyRequest, reply: Exchange['reply']): Promise<Exchange> => ({
    ...{ request, reply, viewer: await viewers.require(request) },
  });

  routes.post('/', { config: { ...config, bringsFile: true } }, async (request, reply) => {
    const by = await exchange(request, reply);
    if (isJson(request)) return parts.create(by);
    if (isForm(request) && !isTus(request)) return forms.create(by);
    if (speaksDraft(request)) return draft.create(by);
    checkVersion(request, reply);
    return tus.create(by);
  });
  routes.head('/:id', { config, schema: { params } }, async (request, reply) => {
    const of = { ...(await exchange(request, reply)), id: request.params.id };
    if (speaksDraft(request)) return draft.head(of);
    if (isTus(request)) checkVersion(request, reply);
    return tus.head(of);
  });
  routes.get('/:id', { config, schema: { params } }, async (request, reply) =>
    parts.look({ ...(await exchange(request, reply)), id: request.params.id }),
  );
  routes.patch(
    '/:id',
    {
      ...{ config: bytes, schema: { params } },
      // Before anybody takes the body for JSON.
      onRequest: async (request, reply) => {
        if (speaksDraft(request)) return requirePartialUpload(request, reply);
        checkVersion(request, reply);
        requireContentType(request);
      },
    },
    async (request, reply) => {
      const of = { ...(await exchange(request, reply)), id: request.params.id };
      return speaksDraft(request) ? draft.patch(of) : tus.patch(of);
    },
  );
  routes.delete('/:id', { config, schema: { params } }, async (request, reply) => {
    if (isTus(request)) checkVersion(request, reply);
    const { viewer } = await exchange(request, reply);
    await media.resources.remove({ viewer, id: request.params.id });
    return reply.code(204).send();
  });
  routes.put(
    '/:id/parts',
    {
      ...{ config: bytes, schema: { params, querystring: partQuery } },
      // What is read as such, or has more about it than the bytes of the file.
      onRequest: async (request) => {
        if (isJson(request) || isForm(request))
          throw unsupported('content_type', 'Parts come as application/octet-stream.');
      },
    },
    async (request, reply) =>
      parts.put({ ...(await exchange(request, reply)), id: request.params.id }, request.query.offset),
  );
}

const isTus = (request: FastifyRequest): boolean => readHeader(request, 'Tus-Resumable') !== undefined;

const isJson = ({ headers }: FastifyRequest): boolean =>
  /^application\/json(?:;|$)/i.test(headers['content-type'] ?? '');
