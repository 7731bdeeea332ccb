// What the files for deploying promise of the program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('systemd starts it again after anything but a wrong setting, as often as it takes', () => {
  const [unit = '', service = ''] = read('deploy/veranda.service').split('[Service]');
  expect(service).toMatch(/^Restart=always$/m);
  expect(service).toMatch(/^RestartPreventExitStatus=78$/m);
  // Else it gives up after five starts within ten seconds.
  expect(unit).toMatch(/^StartLimitIntervalSec=0$/m);
});

test('containers are given the time that a stop may take', () => {
  const compose = read('compose.yml');
  const [common = '', services = ''] = compose.split(/^services:$/m);
  const given = Number(/^  stop_grace_period: (\d+)s$/m.exec(common)?.[1]);
  const drains = [...services.matchAll(/DRAIN_DELAY: (\S+?)\b/g)].map(([, delay]) => delay);
  expect(drains).toEqual(['3s']);
  const { drainDelayMs, shutdownGraceMs } = readConfig({ DRAIN_DELAY: drains[0] });
  expect(given * 1_000).toBeGreaterThan(drainDelayMs + shutdownGraceMs);
  // Every process of the site has what is common, and no other time.
  for (const name of ['web-1', 'worker'])
    expect(services).toMatch(new RegExp(`^  ${name}:.*\n    <<: \\*veranda$`, 'm'));
  expect(services).not.toContain('stop_grace_period');
});

test('the image asks the port of the metrics how it is, wherever that is, or that of the site', async () => {
  const [, command = '[]'] = /^HEALTHCHECK .*\\\n  CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? [];
  const [program, ...args] = JSON.parse(command) as string[];
  expect(program).toBe('node');
  const ask = async (env: Record<string, string>): Promise<unknown> => {
    const [code] = await once(spawn(process.execPath, args, { env }), 'exit');
    return code;
  };
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? 200 : 404).end();
  });
  await using _ = server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const here = typeof address === 'object' && address ? String(address.port) : '';
  expect(await ask({ METRICS_PORT: here, PORT: '1' })).toBe(0);
  expect(await ask({ METRICS_PORT: 'off', PORT: here })).toBe(0);
  expect(await ask({ METRICS_PORT: '1', PORT: here })).toBe(1);
});
