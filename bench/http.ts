// Requests per second, latency and the server's CPU per request for the calls that matter.
//   node bench/http.ts [--posts 1000] [--seconds 4] [--connections 32] [--only feed]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { call } from '../test/support/classic-client.ts';
import { spawnServer } from '../test/support/servers.ts';
import { cpuSeconds, memoryMiB, print, row } from './processes.ts';
import { fillSite, LOGIN } from './sites.ts';
import { createRequests, type MakeRequest } from './requests.ts';
import { load } from './wrk.ts';

const { values } = parseArgs({
  options: {
    posts: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string', default: '' },
  },
});

interface Scenario {
  name: string;
  /** Another server than Veranda's: the yardstick of this machine. */
  at?: { url: string; pid: number };
  /** Against a server that keeps no post ready: every answer is made from the database. */
  isCold?: boolean;
  /** At 200 requests a second, while this goes on at full speed. */
  during?: MakeRequest;
  request: MakeRequest;
}

await using site = await fillSite({
  people: 200,
  posts: Number(values.posts),
  likesPerPost: values.posts === '100000' ? 10 : 20,
  commentsPerPost: 5,
  picturesPerPost: 2,
});
const start = (more: Record<string, string> = {}) =>
  spawnServer({ DATA_DIR: site.dataDir, RATE_LIMIT_FACTOR: '1000000', LOG_LEVEL: 'warn', ...more });
await using warmServer = await start();
await using coldServer = await start({ POST_CACHE_SIZE: '1' });
const tokens = await call(warmServer.base, '/api/users/user/token/', { body: LOGIN });
const token: string = tokens.json.access;

using bare = await startBare();

const { postIds } = site;
const { feed, detail, like, comment } = createRequests(postIds);
const signIn = () => ({
  ...{ method: 'POST' as const, path: '/api/users/user/token/', body: JSON.stringify(LOGIN) },
});
const scenarios: Scenario[] = [
  { name: 'bare node:http, 18 KB', at: bare, request: () => ({ method: 'GET', path: '/' }) },
  { name: 'feed, first page', request: feed },
  {
    name: 'feed, any page',
    request: (count) => ({ method: 'GET', path: `/api/posts/?page=${1 + ((count * 37) % 100)}` }),
  },
  { name: 'feed, cold', isCold: true, request: feed },
  {
    name: 'detail, one post',
    request: () => ({ method: 'GET', path: `/api/posts/post/${postIds.at(-1)}/` }),
  },
  { name: 'detail, any post', request: detail },
  { name: 'detail, cold', isCold: true, request: detail },
  { name: 'own profile', request: () => ({ method: 'GET', path: '/api/users/author/' }) },
  {
    name: 'search, common word',
    request: () => ({ method: 'GET', path: '/api/posts/post/search?q=common' }),
  },
  {
    name: 'search, two words',
    request: () => ({ method: 'GET', path: '/api/posts/post/search?q=harbour%20lamp' }),
  },
  { name: 'like', request: like },
  { name: 'comment', request: comment },
  { name: 'sign-in', request: signIn },
  {
    name: 'feed, 200/s, during sign-ins',
    request: feed,
    during: signIn,
  },
];

print(`${values.posts} posts, ${values.connections} connections, ${values.seconds} s each\n`);
print(row(['what', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'bytes/answer', 'not 2xx']));
print(row(['---', '---:', '---:', '---:', '---:', '---:', '---:']));
for (const scenario of scenarios.filter(({ name }) => name.startsWith(values.only))) await measure(scenario);
print(`\npeak memory of the server: ${Math.round(memoryMiB(warmServer.process.pid ?? 0, 'VmHWM'))} MiB`);

async function measure({ name, at, request, isCold = false, during }: Scenario): Promise<void> {
  const server = isCold ? coldServer : warmServer;
  const { url, pid } = at ?? { url: server.base, pid: server.process.pid ?? 0 };
  const seconds = Number(values.seconds);
  const made = (make: MakeRequest) => Array.from({ length: 500 }, (_, index) => make(index));
  const run = (length: number, make = request) =>
    load({
      url,
      script: join(site.dataDir, 'requests.lua'),
      requests: made(make),
      connections: Number(values.connections),
      seconds: length,
      token,
    });
  if (during) {
    const background = run(seconds + 2, during);
    print(row([name, ...(await ping(request, seconds))]));
    await background;
    return;
  }
  await run(1);
  const before = cpuSeconds(pid);
  const result = await run(seconds);
  const cpu = ((cpuSeconds(pid) - before) * 1e6) / result.requests;
  const { perSecond, p50, p99, bytesPerAnswer, failed } = result;
  print(row([name, perSecond, p50, p99, Math.round(cpu), bytesPerAnswer, failed]));
}

/** Node's server alone, with an answer as large as a page of the feed. */
async function startBare(): Promise<{ url: string; pid: number } & Disposable> {
  const code = `
    const body = Buffer.alloc(18_000, 'a');
    const server = require('node:http').createServer((_, response) => response.end(body));
    server.listen(0, 'localhost', () => process.send(server.address().port));`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [port] = await once(child, 'message');
  return {
    url: `http://localhost:${port}`,
    pid: child.pid ?? 0,
    [Symbol.dispose]: () => void child.kill(),
  };
}

/** A steady trickle: what somebody notices who does little while others do much. */
async function ping(request: MakeRequest, duration: number): Promise<(string | number)[]> {
  const { method, path } = request(0);
  const { requests, latency, non2xx, errors } = await autocannon({
    url: warmServer.base + path,
    ...{ method, duration, connections: 8, overallRate: 200 },
    headers: { authorization: `Bearer ${token}` },
  });
  return [Math.round(requests.average), latency.p50, latency.p99, '', '', non2xx + errors];
}
