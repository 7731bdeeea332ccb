// One connection to Redis that nobody waits for. It reconnects by itself. Once a command is not answered in time, the link
// is down and takes no more until Redis answers again: so what waits is bounded, and only the first of many is delayed.
import { Redis, type RedisOptions, ReplyError } from 'ioredis';

export interface Link extends AsyncDisposable {
  /** For subscriptions and their messages; commands go through `send`. */
  readonly client: Redis;
  readonly up: boolean;
  /** Whether it was ever up, or has failed to be. */
  readonly isKnown: boolean;
  /** Epoch milliseconds: what Redis did before then has been seen, if the link was connected all the time. */
  readonly seenUntil: number;
  /** The last failure, without secrets. */
  readonly reason: string;
  /**
   * Rejects at once while the link is down or too much is unanswered, and after `ANSWER_MS` without an answer; the
   * command may have been carried out all the same. With the error of Redis where Redis refuses it.
   */
  send<T>(command: (client: Redis) => Promise<T>): Promise<T>;
}

interface LinkOptions {
  url: string;
  now: () => number;
  /** `up` is another one now, or the first attempt to connect has failed. */
  onChange: () => void;
}

/** How long a request may be held up, once, by a Redis that does not answer. */
const ANSWER_MS = 150;
/** After this long without a sign of life the connection is made anew. */
const DEAD_MS = 5_000;
const PROBE_MS = 1_000;
const MOST_UNANSWERED = 10_000;
const LONGEST_PAUSE_MS = 2_000;
/** For the end of a connection. */
const PATIENCE_MS = 250;

const options = {
  // Only what RESP2 has is used; it keeps the password out of HELLO, whose refusal would quote it.
  protocol: 2,
  disableClientInfo: true,
  enableOfflineQueue: false,
  // What was unanswered when the connection was lost fails there and then, and is not done again later.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // The bus subscribes anew itself, to know when that is done.
  autoResubscribe: false,
  connectTimeout: DEAD_MS,
  socketTimeout: DEAD_MS,
  retryStrategy: (times) =>
    Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(times, 10)) * (0.75 + Math.random() / 4),
} satisfies RedisOptions;

export function createLink({ url, now, onChange }: LinkOptions): Link {
  const client = new Redis(url, options);
  let up: boolean | undefined;
  let reason = 'not connected yet';
  let unanswered = 0;
  let probing = false;
  let seenUntil = now();

  function change(isUp: boolean): void {
    if (up === isUp) return;
    up = isUp;
    onChange();
  }

  /**
   * Each answer, even a refusal, shows that Redis is there and that all before it has been read. Only one in time shows that others
   * need not wait.
   */
  function settle(sentAt: number, { isAnswer, isLate }: { isAnswer: boolean; isLate: boolean }): void {
    unanswered -= 1;
    if (!isAnswer) return;
    seenUntil = Math.max(seenUntil, sentAt);
    if (isLate) probe();
    else if (client.status === 'ready') change(true);
  }

  function attempt<T>(command: (client: Redis) => Promise<T>): Promise<T> {
    const sentAt = now();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let settled = false;
    let isLate = false;
    const fail = (): void => {
      if (settled) return;
      isLate = true;
      reason = `no answer within ${ANSWER_MS} ms`;
      change(false);
      reject(new RedisDown(reason));
    };
    // When this process itself was busy for so long, the answer may be there and not yet read: it is, before `setImmediate`.
    const timer = setTimeout(() => setImmediate(fail), ANSWER_MS);
    const end = (isAnswer: boolean): void => {
      settled = true;
      clearTimeout(timer);
      settle(sentAt, { isAnswer, isLate });
    };
    unanswered += 1;
    command(client).then(
      (answer) => {
        end(true);
        resolve(answer);
      },
      (error: unknown) => {
        end(isRefusal(error));
        reject(isRefusal(error) ? error : new RedisDown(String(error)));
      },
    );
    return promise;
  }

  function probe(): void {
    if (client.status !== 'ready' || probing) return;
    probing = true;
    const ended = (): void => void (probing = false);
    attempt((redis) => redis.ping().finally(ended)).catch(() => undefined);
  }
  const probes = setInterval(probe, PROBE_MS);
  probes.unref();

  client.on('ready', () => change(true));
  client.on('close', () => change(false));
  client.on('error', (error: Error) => {
    reason = withoutSecrets(error, url);
    change(false);
  });

  return {
    client,
    get up() {
      return up === true;
    },
    get isKnown() {
      return up !== undefined;
    },
    get seenUntil() {
      return seenUntil;
    },
    get reason() {
      return reason;
    },
    send(command) {
      if (up !== true) return Promise.reject(new RedisDown(reason));
      if (unanswered >= MOST_UNANSWERED) return Promise.reject(new RedisDown('too much is unanswered'));
      return attempt(command);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(probes);
      await disconnect(client);
    },
  };
}

/** What was written goes out; a Redis that does not take it is not waited for. */
async function disconnect(client: Redis): Promise<void> {
  const stream = client.stream as Redis['stream'] | undefined;
  client.disconnect();
  if (!stream || stream.destroyed) return;
  const patience = setTimeout(() => stream.destroy(), PATIENCE_MS);
  await new Promise((resolve) => stream.once('close', resolve));
  clearTimeout(patience);
}

/** The command was not sent, or nobody knows what became of it. */
class RedisDown extends Error {
  override readonly name = 'RedisDown';
}

/** Redis is there and does not do it. */
export const isRefusal = (error: unknown): error is Error => error instanceof ReplyError;

/** Redis and the network quote addresses and sometimes commands. */
function withoutSecrets(error: Error, url: string): string {
  const { username, password } = new URL(url);
  let message = error.message || String(Reflect.get(error, 'code') ?? error.name);
  for (const secret of [password, decodeURIComponent(password), username])
    if (secret !== '') message = message.replaceAll(secret, '***');
  return message;
}
