// Requests of tus 1.0 by hand, for what no client of good manners would send.
import { expect } from 'vitest';
import { call, type Person, say } from './classic-client.ts';
import { ask as askDatabase } from './site-data.ts';

export interface TusAnswer {
  status: number;
  headers: Headers;
  text: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
}

type Fields = Record<string, string | undefined>;

export interface TusRequest {
  method: string;
  path: string;
  headers?: Fields;
  body?: Uint8Array | undefined;
}

/** Sends what is given, as version 1.0.0 unless told otherwise. */
async function ask(
  base: string,
  person: Person | undefined,
  { method, path, headers = {}, body }: TusRequest,
): Promise<TusAnswer> {
  const all: Fields = {
    'Tus-Resumable': '1.0.0',
    ...(person && { authorization: `Bearer ${person.access}` }),
    ...headers,
  };
  const response = await fetch(base + path, {
    method,
    headers: Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ...(body && { body: body as Uint8Array<ArrayBuffer> }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

const OFFSET_STREAM = 'application/offset+octet-stream';

/** The requests of one person who uploads. */
export function tusOf(base: string, person: Person | undefined) {
  const send = (request: TusRequest) => ask(base, person, request);
  return {
    send,
    create: (headers: Fields, body?: Uint8Array) =>
      send({
        ...{ method: 'POST', path: '/api/uploads', body },
        headers: { ...(body && { 'content-type': OFFSET_STREAM }), ...headers },
      }),
    /** Begins an upload of so many bytes and answers its path. */
    async begin(length: number, filename?: string): Promise<string> {
      const headers = {
        'Upload-Length': String(length),
        'Upload-Metadata': filename === undefined ? undefined : `filename ${encode(filename)}`,
      };
      const {
        status,
        headers: answered,
        text,
      } = await send({
        ...{ method: 'POST', path: '/api/uploads', headers },
      });
      if (status !== 201) throw new Error(`an upload was refused with ${status}: ${text}`);
      return answered.get('location') ?? '';
    },
    head: (path: string, headers?: Fields) => send({ method: 'HEAD', path, ...(headers && { headers }) }),
    patch: (path: string, offset: number | string, patch: { bytes: Uint8Array; headers?: Fields }) =>
      send({
        ...{ method: 'PATCH', path, body: patch.bytes },
        headers: { 'content-type': OFFSET_STREAM, 'Upload-Offset': String(offset), ...patch.headers },
      }),
    remove: (path: string, headers?: Fields) => send({ method: 'DELETE', path, ...(headers && { headers }) }),
    /** Bytes that the server has from the beginning on. */
    async offset(path: string): Promise<number> {
      return Number((await send({ method: 'HEAD', path })).headers.get('upload-offset'));
    },
  };
}

export const encode = (text: string): string => Buffer.from(text).toString('base64');

/** Puts the upload onto a new post and answers the file of its video, as anybody gets it. */
export async function publish(
  base: string,
  { person, path, postID }: { person: Person; path: string; postID: number },
): Promise<Buffer> {
  const videoID = path.split('/').at(-1);
  const body = { postID, videoID };
  const closed = await call(base, '/api/posts/post/add/media/video/finalize/', {
    token: person.access,
    body,
  });
  if (closed.status !== 200) throw new Error(`finalize answered ${closed.status}: ${closed.text}`);
  const [media] = (await call(base, `/api/posts/post/${postID}/`)).json.media_files;
  const file = await fetch(base + media.file);
  return Buffer.from(await file.arrayBuffer());
}

/** Puts the upload onto a post of its own; the file there is to be this one. */
export async function expectWhole(
  base: string,
  { person, path, file }: { person: Person; path: string; file: Buffer },
): Promise<void> {
  const postID = await say(base, person, 'a video');
  expect((await publish(base, { person, path, postID })).equals(file)).toBe(true);
}

/** Of the whole site. */
export async function countUploads(dataDir: string): Promise<number> {
  const [row] = await askDatabase<{ count: number }>(dataDir, 'select count(*) as count from uploads');
  return Number(row?.count ?? 0);
}
