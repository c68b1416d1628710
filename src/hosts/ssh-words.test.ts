import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkDestination,
  explainForbidden,
  explainSocket,
  explainSsh,
  remoteCommand,
  sshByHand,
} from './ssh-words.ts';

const target = { name: 'app1', destination: 'deploy@203.0.113.11' };

test('whatever an argument holds, the remote shell gets it as one word', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 }), (words) => {
      const plain = words.map((word) => word.replaceAll('\0', ''));
      const script = remoteCommand(['printf', '%s\\0', ...plain]);
      const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
      assert.deepEqual(stdout.split('\0').slice(0, -1), plain);
    }),
    { numRuns: 40 },
  );
});

test('a destination that ssh would take for an option is refused', () => {
  const bad = [
    '-oProxyCommand=id',
    '',
    'a b',
    'a\nb',
    'user@-oProxyCommand=id',
    'ssh://-oX',
    '$(id)',
    'a;b',
    'x@`id`',
  ];
  for (const destination of bad) {
    assert.throws(() => checkDestination({ name: 'app1', destination }), { code: 'input' }, destination);
  }
  for (const destination of [
    'host1',
    'deploy@203.0.113.11',
    'ssh://deploy@host:2222',
    'ssh://a@[2001:db8::1]:22',
    'a-b.c_d',
  ]) {
    checkDestination({ name: 'app1', destination });
  }
});

test('ssh failures say what is wrong and what to do', () => {
  const said: readonly (readonly [string, RegExp, RegExp])[] = [
    [
      '@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.',
      /another one/,
      /ssh-keygen -R/,
    ],
    [
      'No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.',
      /not known/,
      /ssh-keyscan/,
    ],
    ['deploy@h: Permission denied (publickey,password).', /refuses the login/, /ssh-add/],
    ['ssh: connect to host h port 22: Connection refused', /nothing listens/, /sshd/],
    ['ssh: connect to host h port 22: Connection timed out', /does not answer/, /switched on/],
    [
      'ssh: Could not resolve hostname nope: Name or service not known',
      /name is not known/,
      /hosts\.app1\.ssh/,
    ],
  ];
  for (const [stderr, message, hint] of said) {
    const error = explainSsh(stderr, target);
    assert.equal(error.code, 'unreachable');
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
  }
});

test('a refused socket tells missing Docker, missing rights and a strict sshd apart', () => {
  const said = 'channel 2: open failed: connect failed: open failed';
  assert.match(explainSocket(said, 61, target).message, /not installed/);
  assert.match(explainSocket(said, 62, target).hint ?? '', /usermod -aG docker/);
  assert.match(explainSocket(said, undefined, target).message, /does not answer/);
  const strict = 'channel 2: open failed: administratively prohibited: open failed';
  // Newer sshds say the same of a socket that they may not open; then it counts whether Docker answers there.
  assert.match(explainSocket(said, 63, target).message, /forbids forwarding/);
  assert.equal(explainForbidden(said, target), undefined);
  assert.match(explainForbidden(strict, target)?.message ?? '', /forbids forwarding/);
  assert.match(explainSocket(strict, 0, target).hint ?? '', /AllowStreamLocalForwarding/);
});

test('the command to try by hand names the ssh configuration', () => {
  assert.equal(
    sshByHand({ name: 'host1', destination: 'host1', sshConfig: '/my lab/ssh_config' }),
    "ssh -F '/my lab/ssh_config' host1",
  );
});
