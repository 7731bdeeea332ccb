// What the classic door is given.
import type { FastifyRequest } from 'fastify';
import type { Media } from '../../features/media/index.ts';
import type { Posts } from '../../features/posts/index.ts';
import type { Profiles } from '../../features/profiles/index.ts';
import type { Users } from '../../features/users/index.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import type { Spool } from '../../platform/spools.ts';
import type { RequestLimits } from '../limits.ts';
import type { Viewers } from '../viewer.ts';
import type { PostTexts } from './post-texts.ts';

export interface ClassicOptions {
  users: Users;
  profiles: Profiles;
  media: Media;
  posts: Posts;
  postTexts: PostTexts;
  viewers: Viewers;
  requestLimits: RequestLimits;
  bus: Bus;
  spools: { open(): Spool };
  allowsOrigin: (request: FastifyRequest) => boolean;
  /** Whether strangers may make themselves an account. */
  signUp: 'open' | 'closed';
  limits: { pictureBytes: number; chunkBytes: number; socketsPerAddress: number };
}
