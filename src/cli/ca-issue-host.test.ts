import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReload } from './ca-issue-host.ts';

test('a container is told by SIGHUP unless something else is said', () => {
  assert.equal(parseReload(undefined), undefined);
  assert.deepEqual(parseReload('registry'), { container: 'registry', signal: 'SIGHUP' });
  assert.deepEqual(parseReload('registry:USR1'), { container: 'registry', signal: 'SIGUSR1' });
  assert.deepEqual(parseReload('my_reg.1:SIGUSR2'), { container: 'my_reg.1', signal: 'SIGUSR2' });
  assert.deepEqual(parseReload('registry:restart'), { container: 'registry', signal: 'restart' });
});

test('what is no container, or no word to tell it, is refused', () => {
  for (const written of [
    '',
    ':HUP',
    'registry:',
    'registry:KILL',
    'a:HUP:x',
    '--all',
    '../x',
    'a b',
    '$(id)',
    'a\nb',
  ])
    assert.throws(() => parseReload(written), { code: 'input' }, written);
});
