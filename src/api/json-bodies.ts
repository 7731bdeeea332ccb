// JSON, held whole while it comes. It is UTF-8 (RFC 8259 section 8.1): bytes that are not are refused, where a decoder would
// put other characters in.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyContentTypeParser, FastifyInstance, FastifyRequest } from 'fastify';

export function createJsonParser(app: FastifyInstance): FastifyContentTypeParser {
  const parse = app.getDefaultJsonParser('error', 'error');
  return async (request: FastifyRequest, payload: IncomingMessage): Promise<unknown> => {
    const body = await readWhole(request, payload);
    if (!isUtf8(body)) throw fault(400, 'The body is not UTF-8.');
    return new Promise((resolve, reject) => {
      void parse(request, body.toString(), (error, json) => (error ? reject(error) : resolve(json)));
    });
  };
}

function readWhole(request: FastifyRequest, payload: IncomingMessage): Promise<Buffer> {
  const { bodyLimit } = request.routeOptions;
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length']) > bodyLimit) return reject(tooMuch());
    const held = request.holdBody(fail);
    let pieces: Buffer[] = [];
    let bytes = 0;

    function onData(piece: Buffer): void {
      bytes += piece.length;
      if (bytes > bodyLimit) return fail(tooMuch());
      pieces.push(piece);
      held.add(piece);
    }

    function onEnd(): void {
      stop();
      held.arrive(bytes);
      resolve(Buffer.concat(pieces, bytes));
    }

    /** What still comes is passed over. */
    function fail(error: Error): void {
      stop();
      payload.resume();
      held.release();
      pieces = [];
      reject(error);
    }

    const onError = (): void => fail(fault(400, 'The body broke off.'));

    function stop(): void {
      payload.off('data', onData).off('end', onEnd).off('error', onError);
    }

    payload.on('data', onData).on('end', onEnd).on('error', onError);
  });
}

const fault = (statusCode: number, message: string): Error =>
  Object.assign(new Error(message), { statusCode });
const tooMuch = (): Error => fault(413, 'The body is too large.');
