// What a pooler such as PgBouncer does to those behind it, as far as it matters to them: it keeps the settings of a connection's beginning to
// itself, and says so in its own words when it has lost the server. Which server connection a transaction gets is left out.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Pooler extends AsyncDisposable {
  readonly url: string;
  /** Breaks off what there is, and turns away who comes. */
  isAway: boolean;
  /** How many were turned away. */
  readonly turnedAway: number;
}

/** Stands before the server at `target`. */
export async function startPooler(target: string): Promise<Pooler> {
  const { hostname, port } = new URL(target);
  const clients = new Set<Socket>();
  let isAway = false;
  let turnedAway = 0;

  const server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client)).on('error', () => client.destroy());
    client.once('data', (beginning: Buffer) => {
      if (isAway) {
        turnedAway += 1;
        client.end(fatal('server login has been failing, try again later (server_login_retry)'));
        return;
      }
      const upstream = connect(Number(port), hostname).on('error', () => client.destroy());
      upstream.write(withoutSettings(beginning));
      client.pipe(upstream).pipe(client);
      client.on('close', () => upstream.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(target);
  url.port = String(typeof address === 'object' && address ? address.port : 0);
  return {
    url: url.href,
    get isAway() {
      return isAway;
    },
    set isAway(away) {
      isAway = away;
      if (away) for (const client of clients) client.end(fatal('server conn crashed?'));
    },
    get turnedAway() {
      return turnedAway;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** StartupMessage: its length, the version, names and values that end with NUL each, and one more NUL. */
function withoutSettings(message: Buffer): Buffer {
  const words = message.toString('latin1', 8).split('\0');
  const kept: string[] = [];
  for (let place = 0; place + 1 < words.length; place += 2) {
    const [name = '', value = ''] = words.slice(place, place + 2);
    if (['user', 'database', 'client_encoding', 'application_name'].includes(name)) kept.push(name, value);
  }
  const text = Buffer.from([...kept, '', ''].join('\0'), 'latin1');
  const head = Buffer.from(message.subarray(0, 8));
  head.writeInt32BE(head.length + text.length);
  return Buffer.concat([head, text]);
}

/** ErrorResponse, as PgBouncer writes it. */
function fatal(message: string): Buffer {
  const text = Buffer.from([...['SFATAL', 'VFATAL', 'C08P01', `M${message}`], '', ''].join('\0'));
  const head = Buffer.from('E\0\0\0\0', 'latin1');
  head.writeInt32BE(4 + text.length, 1);
  return Buffer.concat([head, text]);
}
