// Pages of lists that are in the order of time. An answer says where it goes on: `Link: <…>; rel="next"` (RFC 8288), a place in the
// list and no number, so that what is new meanwhile moves nothing.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ListedPost, Place } from '../../features/posts/index.ts';
import { joinTexts, type PostTexts, sendJson } from './post-texts.ts';

const MAX_PAGE_SIZE = 40;

/** What a request for a page may say. */
export const pageQuery = z.object({
  per_page: z.unknown().optional(),
  /** As the link had it. */
  before: z.string().transform(readPlace).optional(),
});

function readPlace(text: string, context: z.RefinementCtx): Place {
  const [, createdAt, id] = /^(-?\d{1,16})-(\d{1,16})$/.exec(text) ?? [];
  const place = { createdAt: Number(createdAt), id: Number(id) };
  if (Object.values(place).every(Number.isSafeInteger)) return place;
  context.addIssue('This is no place in a list.');
  return z.NEVER;
}

/** The client takes any GET that is not 200 for a sign-out, so what is no number counts as not said. */
export function readNumber(text: unknown, { most }: { most: number }): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) return undefined;
  return Math.min(Math.max(1, Number(text)), most);
}

/** Posts of a page: what `per_page` says. */
export const readPageSize = (query: { per_page?: unknown }, { usual }: { usual: number }): number =>
  readNumber(query.per_page, { most: MAX_PAGE_SIZE }) ?? usual;

/** `listed`: the posts from the place on, one more than the page has if there is one. */
export async function sendPage(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { postTexts, listed, limit }: { postTexts: PostTexts; listed: readonly ListedPost[]; limit: number },
): Promise<FastifyReply> {
  const texts = await postTexts.of(listed.slice(0, limit));
  // A list of long posts may have been cut, and posts may have been deleted since it was read.
  const shown = listed.findLastIndex(({ id }) => id === texts.at(-1)?.id);
  const last = shown === -1 ? Math.min(limit, listed.length) - 1 : shown;
  const place = listed[last];
  if (place && last < listed.length - 1)
    void reply.header('Link', `<${linkBehind(request, place)}>; rel="next"`);
  return sendJson(reply, joinTexts(texts));
}

function linkBehind(request: FastifyRequest, { createdAt, id }: Place): string {
  const { pathname, searchParams } = new URL(request.url, 'http://site');
  searchParams.delete('page');
  searchParams.set('before', `${createdAt}-${id}`);
  return `${pathname}?${searchParams.toString()}`;
}
