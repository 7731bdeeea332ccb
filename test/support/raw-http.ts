// HTTP by hand: bytes to the server as they are, for requests that no client of good manners would send.
import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Names in lower case; of a repeated header the last. */
  headers: Record<string, string>;
  body: string;
  /** Everything that came, for what is not one plain answer. */
  text: string;
}

/** Sends `bytes` and reads until the server hangs up; ask for that with `Connection: close`. */
export async function sendRaw(base: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  const { hostname, port } = new URL(base);
  const socket = connect({ host: hostname, port: Number(port) });
  // A server may hang up on a request while it is still being sent.
  socket.on('error', () => undefined);
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.write(bytes);
  await once(socket, 'close');
  return parse(Buffer.concat(pieces).toString('utf8'));
}

/** A request without a body, each line as it is given. */
export function rawRequest(line: string, headers: readonly string[] = ['Host: localhost']): string {
  return [line, ...headers, 'Connection: close', '', ''].join('\r\n');
}

function parse(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [status = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(status.split(' ')[1]), headers, body: rest.join('\r\n\r\n'), text };
}
