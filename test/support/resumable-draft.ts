// Requests of the draft of Resumable Uploads for HTTP by hand, with the interim answers that fetch does not show.
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { Person } from './classic-client.ts';

const INTEROP_VERSION = '8';
export const PARTIAL_UPLOAD = 'application/partial-upload';
/** What names of problem types begin with. */
const PROBLEM = 'https://iana.org/assignments/http-problem-types#';

export interface DraftAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
  /** The interim answers, in order. */
  interim: { status: number; headers: IncomingHttpHeaders }[];
}

type Fields = Record<string, string | undefined>;

export interface DraftRequest {
  method: string;
  path: string;
  headers?: Fields;
  body?: Uint8Array | undefined;
  /** Sends the body without saying how long it is. */
  chunked?: boolean;
}

/** The requests of one person who uploads. */
export function draftOf(base: string, person: Person | undefined) {
  async function send({ method, path, headers, body, chunked }: DraftRequest): Promise<DraftAnswer> {
    const all: Fields = {
      'upload-draft-interop-version': INTEROP_VERSION,
      ...(person && { authorization: `Bearer ${person.access}` }),
      ...(!chunked && { 'content-length': String(body?.length ?? 0) }),
      ...headers,
    };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const outgoing = request(base + path, { method, headers: given as Record<string, string> });
    const interim: DraftAnswer['interim'] = [];
    outgoing.on('information', (information) =>
      interim.push({ status: information.statusCode, headers: information.headers }),
    );
    if (chunked) outgoing.flushHeaders();
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const text = (await buffer(answer)).toString();
    const isJson = answer.headers['content-type']?.includes('json') && text !== '';
    return {
      ...{ status: answer.statusCode ?? 0, headers: answer.headers, interim },
      json: isJson ? JSON.parse(text) : undefined,
    };
  }
  type Rest = Omit<DraftRequest, 'method' | 'path'>;
  /** `isLast`: the body is the rest of the file. */
  const create = (isLast: boolean, rest: Rest = {}) =>
    send({
      ...rest,
      ...{ method: 'POST', path: '/api/uploads' },
      headers: { 'upload-complete': asItem(isLast), ...rest.headers },
    });
  const head = (path: string, headers: Fields = {}) => send({ method: 'HEAD', path, headers });
  return {
    send,
    create,
    head,
    /** Begins an upload without bytes and answers its path. */
    async begin(length?: number): Promise<string> {
      const headers = { 'upload-length': length === undefined ? undefined : String(length) };
      const answer = await create(false, { headers });
      expect(answer.status).toBe(201);
      return answer.headers.location ?? '';
    },
    /** Whether it is complete, where it stands, and how long it will be. */
    async stateOf(path: string): Promise<unknown[]> {
      const { status, headers } = await head(path);
      expect(status).toBe(204);
      return [headers['upload-complete'], headers['upload-offset'], headers['upload-length']];
    },
    append: (path: string, place: { offset: number; isLast: boolean }, rest: Rest = {}) =>
      send({
        ...rest,
        ...{ method: 'PATCH', path },
        headers: {
          'content-type': PARTIAL_UPLOAD,
          ...{ 'upload-offset': String(place.offset), 'upload-complete': asItem(place.isLast) },
          ...rest.headers,
        },
      }),
    remove: (path: string) => send({ method: 'DELETE', path }),
  };
}

export function expectProblem({ status, headers, json }: DraftAnswer, expected: number, name: string): void {
  expect([status, headers['content-type'], json.type]).toEqual([
    ...[expected, expect.stringContaining('application/problem+json'), PROBLEM + name],
  ]);
  expect(json).toMatchObject({ status: expected, title: expect.any(String) });
}

const asItem = (value: boolean): string => (value ? '?1' : '?0');
