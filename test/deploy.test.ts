// What the files for deploying promise of the program.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('systemd starts it again after anything but a wrong setting, as often as it takes', () => {
  const [unit = '', service = ''] = read('deploy/veranda.service').split('[Service]');
  expect(service).toMatch(/^Restart=always$/m);
  expect(service).toMatch(/^RestartPreventExitStatus=78$/m);
  // Else it gives up after five starts within ten seconds.
  expect(unit).toMatch(/^StartLimitIntervalSec=0$/m);
});
