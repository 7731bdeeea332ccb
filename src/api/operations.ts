// The port of those who run the site: the metrics, and how the process is, whatever its role.
import { createServer, type Server } from 'node:http';
import type { Health } from '../platform/health/health.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';

interface Answer {
  status: number;
  type: string;
  body: string;
}

export function createOperationsServer({ health, metrics }: { health: Health; metrics: Metrics }): Server {
  const pages: Record<string, () => Promise<Answer>> = {
    '/metrics': async () => {
      const { type, text } = await metrics.write();
      return { status: 200, type, body: text };
    },
    '/health': async () => toJson(200, { status: 'live' }),
    '/ready': async () => {
      const report = await health.report();
      return toJson(report.status === 'unready' ? 503 : 200, report);
    },
  };
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const answer = page && isRead ? page() : Promise.resolve(toJson(404, { detail: 'Not found.' }));
    answer
      .catch(() => toJson(500, { detail: 'Something went wrong on the server.' }))
      .then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
        response.end(request.method === 'HEAD' ? '' : body);
      })
      .catch(() => response.destroy());
  });
  // Nothing that is asked here has a body.
  server.requestTimeout = 5_000;
  return server;
}

const toJson = (status: number, value: object): Answer => ({
  ...{ status, type: 'application/json' },
  body: JSON.stringify(value),
});
