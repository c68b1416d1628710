import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeawallError } from '../errors.ts';
import { ObstacleError } from '../plan/index.ts';
import { styleFor } from '../style.ts';
import { errorJson, renderError } from './error-screen.ts';
import { errorExitCode, outcomeExitCode } from './exit-code.ts';
import { findKeyDocs, type KeyDoc } from './key-docs.ts';
import { envEntries, parseTime } from './option-values.ts';
import { parseScale } from './scale.ts';

test('replicas are understood as web=4, as web 4 and several at once', () => {
  assert.deepEqual(parseScale(['web=4']), { web: 4 });
  assert.deepEqual(parseScale(['web', '4']), { web: 4 });
  assert.deepEqual(parseScale(['web=4', 'worker', '0']), { web: 4, worker: 0 });
});

for (const words of [['web'], ['web=four'], ['=4'], ['web=-1'], ['web=4', 'worker']]) {
  test(`"${words.join(' ')}" is refused, with how to write it`, () => {
    assert.throws(() => parseScale(words), { code: 'input', hint: 'Write it as: seawall scale web=4' });
  });
}

test('--env NAME passes on the own value and nothing when there is none', () => {
  const env = { TOKEN: 'a=b' };
  assert.deepEqual(envEntries(['TOKEN', 'NONE', 'X=1', 'Y='], env), ['TOKEN=a=b', 'X=1', 'Y=']);
  assert.throws(() => envEntries(['=x'], env), { code: 'input' });
});

test('--since takes a time and a time ago', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  assert.equal(parseTime('--since', '10m', now), now / 1000 - 600);
  assert.equal(parseTime('--since', '2026-01-31T10:00:00Z', now), now / 1000 - 7200);
  for (const text of ['yesterday', '10', 'web-1'])
    assert.throws(() => parseTime('--since', text, now), { code: 'input' }, text);
});

test('everything that is in the way of a deploy is shown with its remedy, and a dead host exits with 5', () => {
  const platform = {
    path: 'services.web',
    message: 'no host may run it',
    remedy: 'Give a host the role app.',
  };
  const dead = {
    path: 'hosts.app2',
    message: 'does not answer',
    remedy: 'Bring it back.',
    isUnreachable: true,
  } as const;
  const error = new ObstacleError([platform, dead]);
  const screen = renderError(error, { style: styleFor(false), colour: false, verbose: false });
  assert.equal(
    screen,
    `In the way
  ✘ services.web: no host may run it
    → Give a host the role app.
  ✘ hosts.app2: does not answer
    → Bring it back.
`,
  );
  assert.equal(errorExitCode(error), 5);
  assert.equal(errorExitCode(new ObstacleError([platform])), 2);
  assert.deepEqual(errorJson(error).obstacles, [platform, dead]);
});

test('exit codes tell apart what an operator must know', () => {
  const codes = [
    'input',
    'stale-plan',
    'unreachable',
    'locked',
    'rolled-back',
    'mixed',
    'interrupted',
  ] as const;
  assert.deepEqual(
    codes.map((code) => errorExitCode(new SeawallError(code, ''))),
    [2, 2, 5, 4, 1, 6, 130],
  );
  assert.deepEqual((['done', 'unchanged', 'reverted', 'mixed'] as const).map(outcomeExitCode), [0, 0, 1, 6]);
  assert.equal(errorExitCode(new Error('x')), 1);
  assert.equal(errorExitCode(new DOMException('stop', 'AbortError')), 130);
});

const options = { style: styleFor(false), colour: false, verbose: false };

test('an error says what failed on which thing and what to do; causes only when asked', () => {
  const error = new SeawallError('unreachable', 'does not answer', {
    where: 'app1',
    hint: 'Bring it back.',
    cause: new Error('ECONNREFUSED'),
  });
  assert.equal(renderError(error, options), '✘ app1: does not answer\n  → Bring it back.\n');
  assert.match(renderError(error, { ...options, verbose: true }), /because: ECONNREFUSED\n.*at /s);
  assert.deepEqual(errorJson(error).error, {
    code: 'unreachable',
    message: 'does not answer',
    where: 'app1',
    hint: 'Bring it back.',
    cause: 'ECONNREFUSED',
  });
});

test('what nobody expected is called a bug, its stack shown only with --verbose', () => {
  const error = new TypeError('x is undefined');
  assert.match(renderError(error, options), /^✘ this is a bug in Seawall: x is undefined\n {2}→ .*--verbose/);
  assert.doesNotMatch(renderError(error, options), / {4}at /);
  assert.match(renderError(error, { ...options, verbose: true }), / {4}at /);
});

const docs: KeyDoc[] = [
  { file: 'seawall.yml', key: 'hosts', text: 'The machines.' },
  { file: 'seawall.yml', key: 'hosts.*', text: 'One machine.' },
  { file: 'seawall.yml', key: 'hosts.*.ssh', text: 'Destination.' },
  { file: 'Compose', key: 'services.*.ports', text: 'Ports.', status: 'translated' },
  { file: 'Compose', key: 'services.*.ports.*.target', text: 'Inside.', status: 'used' },
];

test('docs finds a key by its whole name, with a name or an index in it, and by its end', () => {
  const keys = (query: string) => findKeyDocs(docs, query).found.map(({ key }) => key);
  assert.deepEqual(keys('hosts'), ['hosts']);
  assert.deepEqual(keys('hosts.app1.ssh'), ['hosts.*.ssh']);
  assert.deepEqual(keys('ports'), ['services.*.ports']);
  assert.deepEqual(keys('services.web.ports[0].target'), ['services.*.ports.*.target']);
  assert.deepEqual(
    findKeyDocs(docs, 'ports').below.map(({ key }) => key),
    ['services.*.ports.*.target'],
  );
  assert.equal(findKeyDocs(docs, 'prots').meant, 'ports');
});
