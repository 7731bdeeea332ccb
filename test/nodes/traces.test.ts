// Traces, as a collector of OpenTelemetry gets them: what happened within what, and nothing of what people sent.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTracing } from '../../src/platform/tracing/open.ts';
import type { Tracing } from '../../src/platform/tracing/tracing.ts';
import { call, join, say, sendChunk } from '../support/classic-client.ts';
import { spawnServer, startServer } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';

vi.setConfig({ testTimeout: 60_000 });

interface Value {
  stringValue?: string;
  intValue?: number;
}

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: { key: string; value: Value }[];
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

interface Export {
  resourceSpans: {
    resource: { attributes: { key: string; value: Value }[] };
    scopeSpans: { spans: Span[] }[];
  }[];
}

const exports: Export[] = [];
const asked: { url: string | undefined; key: unknown }[] = [];
const collector = createServer((request, response) => {
  asked.push({ url: request.url, key: request.headers['x-key'] });
  json(request).then(
    (body) => {
      exports.push(body as Export);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    },
    () => response.destroy(),
  );
});
let endpoint: string;

beforeAll(async () => {
  collector.listen(0, 'localhost');
  await once(collector, 'listening');
  const address = collector.address();
  endpoint = `http://localhost:${typeof address === 'object' && address ? address.port : 0}`;
});
afterAll(() => {
  collector.closeAllConnections();
  collector.close();
});

const spans = (): Span[] =>
  exports.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
const named = (name: string): Span[] => spans().filter((span) => span.name === name);
const within = (parent: Span | undefined): Span[] =>
  spans().filter(({ parentSpanId }) => parent !== undefined && parentSpanId === parent.spanId);
const attribute = ({ attributes }: Span, name: string): unknown => {
  const value = attributes.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? value?.intValue;
};

const open = (): Promise<Tracing> =>
  openTracing({ endpoint, headers: { 'x-key': 'k' }, serviceName: 'test' });

const OUTER = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', span: '00f067aa0ba902b7' };
const traceparent = `00-${OUTER.trace}-${OUTER.span}-01`;

test('requests with their statements, jobs with their encodes, and no value of anybody', async () => {
  const tracing = await open();
  const site = await startServer({ TRUSTED_PROXIES: 'loopback' }, { tracing });
  const ann = await join(site.base);
  const postID = await say(site.base, ann, 'a Very-Private word');
  const like = '/api/posts/post/add/like/';
  const body = { postID };
  await call(site.base, `${like}?q=in-the-query`, { token: ann.access, body, headers: { traceparent } });
  const recipe = { directory: site.dataDir, seconds: 1, width: 64, height: 64, sound: 'none' } as const;
  const bytes = await readFile(await makeVideo(recipe));
  const { json: upload } = await sendChunk(site.base, ann, { filename: 'Very-Private.mp4', bytes });
  const finalize = '/api/posts/post/add/media/video/finalize/';
  await call(site.base, finalize, { token: ann.access, body: { postID, videoID: upload.id } });
  await site.app.worker.idle();
  await site[Symbol.asyncDispose]();
  await tracing[Symbol.asyncDispose]();

  const [request] = named(`POST ${like}`);
  expect(request).toMatchObject({ traceId: OUTER.trace, parentSpanId: OUTER.span });
  expect(request && attribute(request, 'http.route')).toBe(like);
  expect(request && Number(attribute(request, 'http.response.status_code'))).toBe(200);
  const statements = within(request).map(({ name }) => name);
  expect(statements).toContain('insert likes');
  expect(statements.some((name) => name.startsWith('select '))).toBe(true);
  const [job] = named('job transcode');
  const [finalized] = named(`POST ${finalize}`);
  expect(job && attribute(job, 'request.id')).toBe(finalized && attribute(finalized, 'request.id'));
  expect(job && attribute(job, 'job.kind')).toBe('transcode');
  expect(within(job).map(({ name }) => name)).toContain('encode first');
  for (const { startTimeUnixNano, endTimeUnixNano } of spans())
    expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);

  expect(new Set(asked.map(({ url }) => url))).toEqual(new Set(['/v1/traces']));
  expect(asked[0]?.key).toBe('k');
  expect(exports[0]?.resourceSpans[0]?.resource.attributes).toContainEqual({
    key: 'service.name',
    value: { stringValue: 'test' },
  });
  const sent = JSON.stringify(exports);
  for (const secret of [ann.username, ann.password, ann.access, 'Very-Private', 'in-the-query'])
    expect(sent).not.toContain(secret);
});

test('who is not trusted names no trace', async () => {
  const tracing = await open();
  const site = await startServer({}, { tracing });
  await fetch(`${site.base}/health`, { headers: { traceparent } });
  await site[Symbol.asyncDispose]();
  await tracing[Symbol.asyncDispose]();
  const [request] = named('GET /health');
  expect(request).toBeDefined();
  expect(request?.traceId).not.toBe(OUTER.trace);
});

test.each([
  ['is not there', async () => 'http://localhost:1'],
  [
    'takes what it is sent and never answers',
    async () => {
      const silent = createServer(() => undefined).listen(0, 'localhost');
      await once(silent, 'listening');
      const address = silent.address();
      return `http://localhost:${typeof address === 'object' && address ? address.port : 0}`;
    },
  ],
])('a collector that %s holds up no request and not the stop', async (_, find) => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = await find();
  await using site = await spawnServer({ OTEL_EXPORTER_OTLP_ENDPOINT });
  const ann = await join(site.base);
  for (let n = 0; n < 50; n += 1) {
    const { status } = await call(site.base, '/api/users/author/', { token: ann.access });
    expect(status).toBe(200);
  }
  const begun = performance.now();
  expect(await site.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(performance.now() - begun).toBeLessThan(10_000);
});
