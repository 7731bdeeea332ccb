// What a client asks before it speaks to a site: what may be posted here, and how the API looks. For everybody to read.
import type { FastifyPluginAsync } from 'fastify';
import type { ApiDescription } from './description.ts';

export { createApiDescription } from './description.ts';

/** What differs from site to site, in the words of the wire. Times are in seconds. */
export interface SiteFacts {
  software: 'veranda';
  version: string;
  name: string;
  /** Whom people ask, in the operator's words; empty when nothing was said. */
  contact: string;
  sign_up: 'open' | 'closed';
  limits: {
    post_characters: number;
    comment_characters: number;
    media_per_post: number;
    picture_bytes: number;
    video_bytes: number;
    video_seconds: number;
    chunk_bytes: number;
    upload_seconds: number;
  };
  /** Ways that bytes may come. */
  uploads: ('tus' | 'parts' | 'form' | 'chunks' | 'draft')[];
  /** Heights that videos are made in. */
  video_sizes: number[];
  picture_formats: ('webp' | 'avif')[];
}

export function createSiteDoor(options: {
  facts: SiteFacts;
  description: ApiDescription;
}): FastifyPluginAsync {
  const { facts, description } = options;
  return async (app) => {
    for (const url of ['/api/site', '/api/site/'])
      app.route({ method: ['GET', 'HEAD'], url, config: { public: true }, handler: async () => facts });
    app.route({
      method: ['GET', 'HEAD'],
      url: '/api/openapi.json',
      config: { public: true },
      handler: async (_request, reply) => reply.type('application/json').send(description.text()),
    });
  };
}
