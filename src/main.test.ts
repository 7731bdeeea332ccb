import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { explainStart } from './main.ts';

const config = readConfig({ HOST: 'site.example', PORT: '8000' });
const fault = (properties: object): Error => Object.assign(new Error('a fault'), properties);

test.each([
  { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'site.example' },
  { code: 'EAI_AGAIN', syscall: 'getaddrinfo', hostname: 'site.example' },
  { code: 'EADDRNOTAVAIL', syscall: 'listen', address: '192.0.2.1', port: 8000 },
])('an address to listen on that is none names HOST: $code', (properties) => {
  expect(explainStart(fault(properties), config)).toMatchObject({
    message: 'HOST: site.example is no address of this machine',
  });
});

test.each([
  { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'store.example' },
  { code: 'EAI_AGAIN', syscall: 'getaddrinfo', hostname: 'store.example' },
  { code: 'EADDRNOTAVAIL', syscall: 'connect', address: '192.0.2.1', port: 5432 },
])('whoever cannot be called has nothing to do with HOST: $code, $syscall', (properties) => {
  const error = fault(properties);
  expect(explainStart(error, config)).toBe(error);
});
