// Uploads in pieces against their limits: sizes and numbers.
import { describe, expect, test } from 'vitest';
import { type Answer, call, form, join, sendChunk } from '../support/classic-client.ts';
import { cutChunks, hash, hashFinal, makeFile, MIB } from '../support/classic-uploads.ts';
import { startServer } from '../support/servers.ts';

describe('sizes', () => {
  test('a chunk over MAX_CHUNK_SIZE is 413, as text and as a file part, and nothing of it is kept', async () => {
    await using server = await startServer({ MAX_CHUNK_SIZE: '1MiB' });
    const ann = await join(server.base);
    const file = makeFile(MIB + 1);
    const filename = 'large chunk.mp4';
    const { json } = await sendChunk(server.base, ann, { filename, bytes: file.subarray(0, MIB) });
    for (const size of [MIB + 1, MIB + 3_000, 2 * MIB, 5 * MIB]) {
      const bytes = makeFile(size);
      expect((await sendChunk(server.base, ann, { filename, bytes })).status, `${size} as text`).toBe(413);
      const body = form({ filename, chunk: new Blob([bytes]) });
      const answer = await call(server.base, '/api/posts/post/add/media/video/', { token: ann.access, body });
      expect(answer.status, `${size} as a file part`).toBe(413);
    }
    await sendChunk(server.base, ann, { filename, bytes: file.subarray(MIB) });
    expect(await hashFinal(server.base, ann, json.id)).toBe(hash(file));
  });

  test('a file over MAX_VIDEO_SIZE is 413 at the chunk that is too much, and what came before stays', async () => {
    await using server = await startServer({ MAX_VIDEO_SIZE: '2MiB' });
    const ann = await join(server.base);
    const file = makeFile(2 * MIB);
    const send = (bytes: Buffer, fields = {}): Promise<Answer> =>
      sendChunk(server.base, ann, { filename: 'long.mp4', bytes, fields });
    for (const bytes of cutChunks(file).slice(0, 1)) await send(bytes);
    expect((await send(makeFile(MIB + 1))).status).toBe(413);
    const { json } = await send(file.subarray(MIB));
    expect((await send(Buffer.from('x'))).status).toBe(413);
    expect((await send(Buffer.from('x'), { offset: String(2 * MIB) })).status).toBe(413);
    expect((await send(Buffer.alloc(0))).status).toBe(200);
    expect(await hashFinal(server.base, ann, json.id)).toBe(hash(file));
  });

  test('a form of too many, doubled, cut or odd parts is a 4xx, and the server goes on', async () => {
    await using server = await startServer();
    const ann = await join(server.base);
    const good = { filename: 'x.mp4', chunk: 'data:' };
    const post = async (
      body: string | FormData,
      type = 'multipart/form-data; boundary=xx',
    ): Promise<number> => {
      const headers: Record<string, string> = { authorization: `Bearer ${ann.access}` };
      if (typeof body === 'string') headers['content-type'] = type;
      return (
        await fetch(`${server.base}/api/posts/post/add/media/video/`, { method: 'POST', headers, body })
      ).status;
    };
    const twice = form(good);
    twice.append('chunk', 'data:');
    const many = form(good);
    for (let count = 0; count < 20_000; count += 1) many.append(`field${count}`, 'x');
    const part = (name: string, value: string) =>
      `--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const bodies = [
      ...[twice, many],
      ...[
        '',
        '--xx',
        '--xx--',
        '--xx\r\n',
        part('filename', 'x'),
        `${part('filename', 'x')}--xx\r\nContent-Dispo`,
        part('chunk', 'data:'),
      ],
      ...[
        `${part('__proto__', 'x')}${part('filename', 'x')}--xx--`,
        `${part('constructor', 'x')}--xx--`,
        part('filename', 'x').replaceAll('\r', ''),
        `${part('filename', 'x.mp4')}${part('other', 'x'.repeat(100_000))}${part('chunk', 'data:')}--xx--`,
      ],
    ];
    for (const [index, body] of bodies.entries()) {
      const status = await post(body);
      expect(status, `body ${index}`).toBeGreaterThanOrEqual(400);
      expect(status, `body ${index}`).toBeLessThan(500);
    }
    for (const type of [
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/mixed; boundary=xx',
      `multipart/form-data; boundary=${'x'.repeat(300)}`,
    ]) {
      const status = await post('--xx--', type);
      expect(status >= 400 && status < 500, `${type}: ${status}`).toBe(true);
    }
    expect(await post(form(good))).toBe(200);
  });

  test('fifty uploads may be open, and one more is refused until one is finalized', async () => {
    await using server = await startServer();
    const ann = await join(server.base);
    const open = (count: number): Promise<Answer> =>
      sendChunk(server.base, ann, { filename: `${count}.mp4`, bytes: makeFile(100) });
    const answers = await Promise.all(Array.from({ length: 55 }, (_, count) => open(count)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 413)).toHaveLength(5);
    const videoID = answers.find(({ status }) => status === 200)?.json.id;
    await hashFinal(server.base, ann, videoID);
    expect((await open(99)).status).toBe(200);
    expect((await open(100)).status).toBe(413);
  });
});
