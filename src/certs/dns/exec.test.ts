import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeawallError } from '../../errors.ts';
import { execProvider } from './exec.ts';

const fqdn = '_acme-challenge.example.test';
const run = (script: string, env: Record<string, string> = {}, timeoutMs = 20_000) =>
  execProvider({ kind: 'exec', script, env }, timeoutMs);

test('the script gets action, name and value as arguments, whatever they hold, and its environment', async () => {
  const value = '-$(touch x)`"\';';
  const script = 'test "$1|$2|$3|$WORD|$#" = "present|$NAME|$VALUE|hi|3"';
  await run(script, { WORD: 'hi', NAME: fqdn, VALUE: value }).present(fqdn, value, {});
});

test('it sees nothing of the environment of the server', async () => {
  await run('test -z "$(env | grep -E "^(NODE_|npm_|SEAWALL_)")"').cleanup(fqdn, 'v', {});
});

test('a script that fails is told with what it said, without the values of its environment', async () => {
  const failing = run('echo "token $TOKEN refused" >&2; exit 3', { TOKEN: 'hush-hush' }).present(
    fqdn,
    'v',
    {},
  );
  await assert.rejects(failing, (error: unknown) => {
    assert.ok(error instanceof SeawallError);
    assert.match(error.message, /ended with 3: token ••• refused/);
    assert.equal(error.where, `present ${fqdn}`);
    return true;
  });
});

test('a script that hangs is ended with what it started, by its time or by the signal', async () => {
  await assert.rejects(run('sleep 60 & wait', {}, 200).present(fqdn, 'v', {}), /did not end within 0\.2 s/);
  const stop = new AbortController();
  const running = run('sleep 60').present(fqdn, 'v', { signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(running, /enough/);
});
