// The calls that matter on PostgreSQL beside SQLite: requests per second, the CPU of the nodes, the database and Redis, and how much is
// asked of the database. Of two nodes each gets half of the connections.
//   node bench/postgres.ts [--posts 1000] [--seconds 3] [--connections 1,32,128] [--only feed]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { call } from '../test/support/classic-client.ts';
import { type ServerProcess, spawnServer } from '../test/support/servers.ts';
import { copyToPostgres } from './postgres-sites.ts';
import { cpuSeconds, memoryMiB, print, row } from './processes.ts';
import { createRequests, type MakeRequest } from './requests.ts';
import { fillSite, LOGIN } from './sites.ts';
import { load, type Result } from './wrk.ts';

const { values } = parseArgs({
  options: {
    posts: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1,32,128' },
    only: { type: 'string', default: '' },
  },
});
const seconds = Number(values.seconds);
/** Requests of which statements are counted. */
const COUNTED = 50;

await using site = await fillSite({
  people: 200,
  posts: Number(values.posts),
  likesPerPost: 20,
  commentsPerPost: 5,
  picturesPerPost: 2,
});
await using postgres = await copyToPostgres(site);
await using servers = new AsyncDisposableStack();
const start = async (settings: Record<string, string>): Promise<ServerProcess> => {
  const common = {
    ROLES: 'serve',
    RATE_LIMIT_FACTOR: '1000000',
  };
  return servers.use(await spawnServer({ ...common, ...settings }));
};

interface Deployment {
  name: string;
  nodes: readonly ServerProcess[];
}

/** `cold` keeps no post ready: every answer is made from the database. */
async function deploy(cold: Record<string, string>): Promise<Deployment[]> {
  const shared = { ...postgres.shared, ...cold };
  const one = await start(shared);
  return [
    // PostgreSQL's nodes have the same folder, so whichever database is meant has to be named.
    { name: 'SQLite', nodes: [await start({ DATA_DIR: site.dataDir, ...cold })] },
    { name: 'PostgreSQL', nodes: [await start({ ...postgres.alone, ...cold })] },
    { name: 'PostgreSQL, Redis', nodes: [one] },
    { name: 'the same, two nodes', nodes: [one, await start(shared)] },
  ];
}

const { feed, detail, like, comment } = createRequests(site.postIds);
const warm = await deploy({});
const cold = await deploy({ POST_CACHE_SIZE: '1' });
const scenarios: [name: string, deployments: readonly Deployment[], request: MakeRequest][] = [
  ['feed', warm, feed],
  ['feed, cold', cold, feed],
  ['detail', warm, detail],
  ['detail, cold', cold, detail],
  ['like', warm, like],
  ['comment', warm, comment],
];
const columns = ['statements', 'plans', 'connections', 'requests/s', 'p50 ms', 'p99 ms'];
print(
  `${values.posts} posts, ${seconds} s each after as long a warm-up; CPU in µs per request; statements with begin and commit\n`,
);
print(row(['what', 'on', ...columns, 'node', 'database', 'Redis', 'not 2xx']));
print(row(['---', '---', ...columns.map(() => '---:'), '---:', '---:', '---:', '---:']));
for (const [name, deployments, request] of scenarios.filter(([each]) => each.startsWith(values.only)))
  for (const deployment of deployments) await measure(name, deployment, request);
const peaks = warm.flatMap(({ nodes }) => nodes.map(({ process }) => memoryMiB(process.pid ?? 0, 'VmHWM')));
print(`\npeak memory of the warm nodes: ${peaks.map(Math.round).join(', ')} MiB`);

async function measure(name: string, { name: on, nodes }: Deployment, request: MakeRequest): Promise<void> {
  const [first] = nodes;
  if (!first) return;
  const tokens = await call(first.base, '/api/users/user/token/', { body: LOGIN });
  const token: string = tokens.json.access;
  const counted = await postgres.count(async () => {
    for (let count = 0; count < COUNTED; count += 1) {
      const { path, method, body } = request(count);
      await call(first.base, path, { token, method, ...(body !== undefined && { body: JSON.parse(body) }) });
    }
  });
  const asked = [counted.statements, counted.plans].map((sum) =>
    on === 'SQLite' ? '' : (sum / COUNTED).toFixed(1),
  );
  for (const connections of values.connections.split(',').map(Number)) {
    if (connections < nodes.length) continue;
    const run = (length: number): Promise<Result[]> =>
      Promise.all(
        nodes.map(({ base }, place) =>
          load({
            ...{ url: base, token, seconds: length, connections: connections / nodes.length },
            script: join(site.dataDir, `requests-${place}.lua`),
            requests: Array.from({ length: 500 }, (_, index) => request(index)),
          }),
        ),
      );
    // Code that was hardly ever run costs several times as much.
    await run(seconds);
    const before = readCpu(nodes);
    const results = await run(seconds);
    const after = readCpu(nodes);
    const sum = (pick: (result: Result) => number): number =>
      results.reduce((total, result) => total + pick(result), 0);
    const each = (which: keyof typeof before): number =>
      Math.round(((after[which] - before[which]) * 1e6) / sum(({ requests }) => requests));
    print(
      row([
        ...[name, on, ...asked, connections, sum(({ perSecond }) => perSecond)],
        Math.max(...results.map(({ p50 }) => p50)),
        Math.max(...results.map(({ p99 }) => p99)),
        ...[each('node'), each('database'), each('redis'), sum(({ failed }) => failed)],
      ]),
    );
  }
}

function readCpu(nodes: readonly ServerProcess[]): { node: number; database: number; redis: number } {
  const node = nodes.reduce((total, { process }) => total + cpuSeconds(process.pid ?? 0), 0);
  return { node, ...postgres.cpu() };
}
