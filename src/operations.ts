// Opens the port of those who run the site. One that is named must be free; 9464, which is taken when none is named, may not be.
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createOperationsServer } from './api/operations.ts';
import { ConfigError, TemporaryFailure } from './config/error.ts';
import type { Health } from './platform/health/health.ts';
import type { Metrics } from './platform/metrics/metrics.ts';

interface Place {
  host: string;
  port: number | 'off' | undefined;
}

export interface Operations extends AsyncDisposable {
  /** The address, if there is one. */
  readonly base: string | undefined;
}

const USUAL_PORT = 9464;

export async function openOperations(
  { host, port }: Place,
  parts: { health: Health; metrics: Metrics },
): Promise<Operations> {
  const server = port === 'off' ? undefined : await listen(createOperationsServer(parts), { host, port });
  const address = server?.address();
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    base: typeof address === 'object' && address ? `http://${name}:${address.port}` : undefined,
    async [Symbol.asyncDispose]() {
      if (!server) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function listen(
  server: Server,
  { host, port }: { host: string; port: number | undefined },
): Promise<Server | undefined> {
  try {
    server.listen({ host, port: port ?? USUAL_PORT });
    await once(server, 'listening');
    return server;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (port === undefined && code === 'EADDRINUSE') return undefined;
    if (code === 'EADDRINUSE')
      throw new TemporaryFailure(`METRICS_PORT: ${port} on ${host} is in use by another program`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new ConfigError(`METRICS_HOST: ${host} is no address of this machine`);
    if (code === 'EAI_AGAIN')
      throw new TemporaryFailure(`METRICS_HOST: ${host} cannot be looked up just now`);
    if (code === 'EACCES')
      throw new ConfigError(`METRICS_PORT: ${port} on ${host} may not be used by this user`);
    throw error;
  }
}
