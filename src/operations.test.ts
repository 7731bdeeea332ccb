import dns from 'node:dns';
import { expect, test, vi } from 'vitest';
import { ConfigError, TemporaryFailure } from './config/error.ts';
import { openOperations } from './operations.ts';
import type { Health } from './platform/health/health.ts';
import { noMetrics } from './platform/metrics/metrics.ts';

test.each([
  ['ENOTFOUND', ConfigError, 'METRICS_HOST: metrics.example is no address of this machine'],
  ['EAI_AGAIN', TemporaryFailure, 'METRICS_HOST: metrics.example cannot be looked up just now'],
] as const)('a name that is not found is wrong, or passes: %s', async (code, kind, message) => {
  vi.spyOn(dns, 'lookup').mockImplementation(((...args: unknown[]) =>
    (args.at(-1) as (error: Error) => void)(Object.assign(new Error(code), { code }))) as typeof dns.lookup);
  const parts = { health: {} as Health, metrics: noMetrics };
  const opening = openOperations({ host: 'metrics.example', port: 0 }, parts);
  await expect(opening).rejects.toThrow(message);
  await expect(opening).rejects.toBeInstanceOf(kind);
});
