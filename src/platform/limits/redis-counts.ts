// Counts in Redis: one key per count, which ends with its window by the clock of Redis. Each change is one script, so nodes
// do not get between each other's look and change.
import { createHash } from 'node:crypto';
import type { RedisConnection } from '../redis/connection.ts';
import type { SharedCount, SharedCounts } from './shared-counts.ts';

interface Script {
  text: string;
  sha: string;
}

// ARGV: points, limit, length of the window. Points go on as text: Lua would write large numbers with an exponent.
const COUNT = defineScript(`
  local used = tonumber(redis.call('get', KEYS[1]) or '0')
  local ends = redis.call('pttl', KEYS[1])
  local refused = used >= tonumber(ARGV[2])
  if not refused and ARGV[1] ~= '0' then
    used = redis.call('incrby', KEYS[1], ARGV[1])
    if ends < 0 then redis.call('pexpire', KEYS[1], ARGV[3]) end
  end
  if ends < 0 then ends = tonumber(ARGV[3]) end
  return {used, refused and 1 or 0, ends}`);

// ARGV: points, length of the window.
const GIVE_BACK = defineScript(`
  local used = tonumber(redis.call('get', KEYS[1]) or '0')
  local points = ARGV[1]
  if used < tonumber(points) then points = used end
  if used > 0 then used = redis.call('decrby', KEYS[1], points) end
  local ends = redis.call('pttl', KEYS[1])
  if ends < 0 then ends = tonumber(ARGV[2]) end
  return {used, 0, ends}`);

export function createRedisCounts({ prefix, commands }: RedisConnection): SharedCounts {
  async function run(script: Script, key: string, args: number[]): Promise<SharedCount> {
    const name = `${prefix}:limit:${key}`;
    const reply = await commands
      .send((redis) => redis.evalsha(script.sha, 1, name, ...args))
      .catch((error: unknown) => {
        if (!isUnknownScript(error)) throw error;
        return commands.send((redis) => redis.eval(script.text, 1, name, ...args));
      });
    const [used = 0, refused = 0, endsIn = 0] = reply as number[];
    return { used, refused: refused === 1, endsIn };
  }

  return {
    count: (key, { ms, points, limit }) => run(COUNT, key, [points, limit, ms]),
    giveBack: (key, { ms, points }) => run(GIVE_BACK, key, [points, ms]),
  };
}

function defineScript(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Redis forgets scripts when it is started anew. */
const isUnknownScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT');
