// What bench/upload.ts compares with, each in a process of its own: `tus-server` is @tus/server with its file store as it
// comes; `bare` writes each body to its place as it comes in and syncs it, and does nothing else.
import { mkdirSync } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';

const [kind, folder = ''] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

async function write(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', offset = '0'] = (request.url ?? '').split('?');
  const place = join(folder, path.split('/').at(-1) ?? '');
  const file: FileHandle = await open(place, constants.O_RDWR | constants.O_CREAT);
  let at = Number(offset);
  for await (const bytes of request as AsyncIterable<Buffer>) {
    await file.write(bytes, 0, bytes.length, at);
    at += bytes.length;
  }
  await file.datasync();
  await file.close();
  response.writeHead(204).end();
}

const tus = new Server({ path: '/files', datastore: new FileStore({ directory: folder }) });
const server = createServer((request, response) => {
  void (kind === 'bare' ? write(request, response) : tus.handle(request, response));
});
server.listen(0, 'localhost', () => process.send?.((server.address() as AddressInfo).port));
