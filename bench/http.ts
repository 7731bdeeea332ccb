// Requests per second, latency and the server's CPU per request for the calls that matter.
//   node bench/http.ts [--posts 1000] [--seconds 4] [--connections 32] [--only feed]
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { call } from '../test/support/classic-client.ts';
import { spawnServer } from '../test/support/servers.ts';
import { cpuSeconds, memoryMiB, print, row } from './processes.ts';
import { fillSite, LOGIN } from './sites.ts';

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
  /** Against a server that keeps no post ready: every answer is made from the database. */
  isCold?: boolean;
  /** At 200 requests a second, while this goes on at full speed. */
  during?: Scenario['request'];
  request: (count: number) => { method: 'GET' | 'POST'; path: string; body?: string };
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

const { postIds } = site;
const pick = (count: number): number => postIds[(count * 7_919) % postIds.length] ?? 1;
const json = (value: object): string => JSON.stringify(value);
const signIn = () => ({ method: 'POST' as const, path: '/api/users/user/token/', body: json(LOGIN) });
const scenarios: Scenario[] = [
  { name: 'feed, first page', request: () => ({ method: 'GET', path: '/api/posts/?page=1' }) },
  {
    name: 'feed, any page',
    request: (count) => ({ method: 'GET', path: `/api/posts/?page=${1 + ((count * 37) % 100)}` }),
  },
  { name: 'feed, cold', isCold: true, request: () => ({ method: 'GET', path: '/api/posts/?page=1' }) },
  {
    name: 'detail, one post',
    request: () => ({ method: 'GET', path: `/api/posts/post/${postIds.at(-1)}/` }),
  },
  {
    name: 'detail, any post',
    request: (count) => ({ method: 'GET', path: `/api/posts/post/${pick(count)}/` }),
  },
  {
    name: 'detail, cold',
    isCold: true,
    request: (count) => ({ method: 'GET', path: `/api/posts/post/${pick(count)}/` }),
  },
  { name: 'own profile', request: () => ({ method: 'GET', path: '/api/users/author/' }) },
  {
    name: 'search, common word',
    request: () => ({ method: 'GET', path: '/api/posts/post/search?q=common' }),
  },
  {
    name: 'search, two words',
    request: () => ({ method: 'GET', path: '/api/posts/post/search?q=harbour%20lamp' }),
  },
  {
    name: 'like',
    request: (count) => ({
      method: 'POST',
      path: '/api/posts/post/add/like/',
      body: json({ postID: pick(count) }),
    }),
  },
  {
    name: 'comment',
    request: (count) => ({
      method: 'POST',
      path: '/api/posts/post/add/comment/',
      body: json({ postID: pick(count), commentContent: `Comment number ${count}` }),
    }),
  },
  { name: 'sign-in', request: signIn },
  {
    name: 'feed, 200/s, during sign-ins',
    request: () => ({ method: 'GET', path: '/api/posts/?page=1' }),
    during: signIn,
  },
];

print(`${values.posts} posts, ${values.connections} connections, ${values.seconds} s each\n`);
print(row(['what', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'bytes/answer', 'not 2xx']));
print(row(['---', '---:', '---:', '---:', '---:', '---:', '---:']));
for (const scenario of scenarios.filter(({ name }) => name.startsWith(values.only))) await measure(scenario);
print(`\npeak memory of the server: ${Math.round(memoryMiB(warmServer.process.pid ?? 0, 'VmHWM'))} MiB`);

async function measure({ name, request, isCold = false, during }: Scenario): Promise<void> {
  const server = isCold ? coldServer : warmServer;
  const pid = server.process.pid ?? 0;
  const seconds = Number(values.seconds);
  const load = { url: server.base, connections: Number(values.connections) };
  const run = (duration: number) =>
    autocannon({ ...load, duration, ...(during && { overallRate: 200 }), requests: [made(request)] });
  const background = during && autocannon({ ...load, duration: seconds + 3, requests: [made(during)] });
  await run(1);
  const before = cpuSeconds(pid);
  const result = await run(seconds);
  const cpu = ((cpuSeconds(pid) - before) * 1e6) / result.requests.total;
  await background;
  print(
    row([
      name,
      Math.round(result.requests.average),
      result.latency.p50,
      result.latency.p99,
      during ? '' : Math.round(cpu),
      Math.round(result.throughput.total / result.requests.total),
      result.non2xx + result.errors,
    ]),
  );
}

function made(request: Scenario['request']): autocannon.Request {
  let count = 0;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return {
    setupRequest: (base) => {
      count += 1;
      return { ...base, ...request(count), headers };
    },
  };
}
