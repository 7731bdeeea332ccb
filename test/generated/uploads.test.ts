// Requests to the uploads door with generated methods, headers and bodies: whatever comes, no 5xx, nothing of the inside, and
// what is acknowledged adds up. GENERATED_RUNS and GENERATED_SEED ask for more and others.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, join, type Person } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { INTERNALS } from './verdicts.ts';

const numRuns = Math.ceil(Number(process.env['GENERATED_RUNS'] ?? 10_000) / 10);
const seed = Number(process.env['GENERATED_SEED'] ?? 2_026);
const LENGTH = 1_000;

let server: TestServer;
let ann: Person;
beforeAll(async () => {
  server = await startServer({ BODY_TIMEOUT: '1h', RESUMABLE_UPLOADS_DRAFT: 'on' });
  ann = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const number = fc.oneof(
  fc.constantFrom('0', '0', '1', '10', String(LENGTH), String(LENGTH + 1), '1000000000', '9'.repeat(15)),
  fc.constantFrom('-1', '', ' ', '1.5', 'x', '0x1', '1e3', '9'.repeat(16), 'NaN', '1, 1'),
  fc.nat({ max: LENGTH }).map(String),
);
const text = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });
const metadata = fc.oneof(
  text,
  fc
    .array(fc.tuple(text, fc.base64String({ maxLength: 40 })))
    .map((pairs) => pairs.map((pair) => pair.join(' ')).join(',')),
  fc.constant(`filename ${Buffer.from('a.mp4').toString('base64')}`),
);
const checksum = fc.oneof(
  text,
  fc
    .tuple(
      fc.constantFrom('sha1', 'sha256', 'crc32c', 'md5', '__proto__'),
      fc.base64String({ maxLength: 44 }),
    )
    .map((both) => both.join(' ')),
);
const headers = fc.record(
  {
    'tus-resumable': fc.oneof({ weight: 8, arbitrary: fc.constant('1.0.0') }, text),
    'upload-length': number,
    'upload-offset': number,
    'upload-defer-length': fc.constantFrom('1', '0', 'x'),
    'upload-metadata': metadata,
    'upload-checksum': checksum,
    'upload-complete': fc.constantFrom('?0', '?1', '?1', '?2', '', '?0;a=1'),
    'upload-draft-interop-version': fc.constantFrom('8', '8', '7', 'x'),
    'content-disposition': text.map((name) => `inline; filename="${name}"`),
    'content-type': fc.constantFrom(
      ...['application/offset+octet-stream', 'application/offset+octet-stream', 'application/octet-stream'],
      ...['application/partial-upload', 'application/partial-upload', 'application/json'],
      ...['multipart/form-data; boundary=x', 'text/plain', 'x'],
    ),
  },
  { requiredKeys: [] },
);

test(`requests generated with seed ${seed} are answered, and never with more than was said`, async () => {
  const token = ann.access;
  const made = await call(server.base, '/api/uploads', { token, body: { length: LENGTH } });
  const id: string = made.json.id;
  const request = fc.record({
    method: fc.constantFrom('POST', 'HEAD', 'GET', 'PATCH', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'),
    id: fc.oneof(
      { weight: 4, arbitrary: fc.constant(id) },
      fc.constantFrom('', '/', '%00', '..%2f', '0'.repeat(32), 'x', '%', '__proto__'),
    ),
    part: fc.oneof(number, text).map(encodeURIComponent),
    headers,
    body: fc.uint8Array({ maxLength: 50 }),
  });
  let taken = 0;
  const property = fc.asyncProperty(request, async (one) => {
    // The one that the others are about stays.
    if (one.method === 'DELETE' && one.id === id) return;
    const path = `/api/uploads${one.method === 'POST' ? '' : `/${one.id}`}`;
    const answer = await server.app.server.inject({
      method: one.method as 'POST',
      url: one.method === 'PUT' ? `${path}/parts?offset=${one.part}` : path,
      headers: { authorization: `Bearer ${token}`, ...one.headers },
      ...(!['HEAD', 'GET', 'OPTIONS'].includes(one.method) && { payload: Buffer.from(one.body) }),
    });
    expect(answer.statusCode).toBeLessThan(500);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    if (answer.statusCode >= 400) expect(answer.body).not.toMatch(INTERNALS);
    if (answer.statusCode === 204 || answer.statusCode === 200) taken += 1;
    const begun = answer.headers['location'];
    if (typeof begun === 'string') await call(server.base, begun, { method: 'DELETE', token });
  });
  await fc.assert(property, { seed, numRuns });
  expect(taken).toBeGreaterThan(numRuns / 20);
  const { json } = await call(server.base, `/api/uploads/${id}`, { token });
  expect(json.offset).toBeLessThanOrEqual(LENGTH);
  for (const { start, end } of json.missing) expect(start).toBeLessThan(end);
});
