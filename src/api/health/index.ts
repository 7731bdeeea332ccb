// `/health`: the process runs. `/ready`: it can serve, or why not. Balancers ask by address, so any host name will do; what is
// answered is for anybody to read.
import type { FastifyPluginAsync } from 'fastify';
import type { Health } from '../../platform/health/health.ts';

export function createHealthDoor(health: Health): FastifyPluginAsync {
  return async (app) => {
    app.route({
      method: ['GET', 'HEAD'],
      url: '/health',
      config: { anyHost: true },
      handler: async () => ({ status: 'live' }),
    });
    app.route({
      method: ['GET', 'HEAD'],
      url: '/ready',
      config: { anyHost: true },
      handler: async (_request, reply) => {
        const report = await health.report();
        return reply.code(report.status === 'unready' ? 503 : 200).send(report);
      },
    });
  };
}
