// Runs wrk (Debian's package of that name), which takes far less of the processor than a client in JavaScript does.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface Request {
  method: 'GET' | 'POST';
  path: string;
  body?: string;
}

export interface Load {
  url: string;
  /** A file that may be written. */
  script: string;
  token: string;
  /** Sent again and again, in this order. */
  requests: readonly Request[];
  connections: number;
  seconds: number;
}

export interface Result {
  requests: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  bytesPerAnswer: number;
  /** Answers that were not 2xx or 3xx, and requests without one. */
  failed: number;
}

const run = promisify(execFile);

export async function load({ url, script, token, requests, connections, seconds }: Load): Promise<Result> {
  await writeFile(script, luaOf(requests, token));
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, url];
  const { stdout } = await run('wrk', args, { maxBuffer: 2 ** 24 });
  const [line = '{}'] = /^\{.*\}$/m.exec(stdout) ?? [];
  return JSON.parse(line) as Result;
}

function luaOf(requests: readonly Request[], token: string): string {
  const list = requests.map(
    ({ method, path, body }) =>
      `wrk.format("${method}", "${path}", headers, ${body ? JSON.stringify(body) : 'nil'})`,
  );
  return `
local headers = { ["authorization"] = "Bearer ${token}", ["content-type"] = "application/json" }
local requests, count = {}, 0
function init()
  requests = { ${list.join(',\n    ')} }
end
function request()
  count = count + 1
  return requests[count % #requests + 1]
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('{"requests":%d,"perSecond":%.0f,"p50":%.1f,"p99":%.1f,"bytesPerAnswer":%.0f,"failed":%d}',
    summary.requests, summary.requests * 1e6 / summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.bytes / summary.requests, failed))
end
`;
}
