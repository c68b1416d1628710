import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { styleFor } from '../style.ts';
import { confirm } from './confirm.ts';
import type { Context } from './context.ts';
import { renderError } from './error-screen.ts';
import { errorExitCode } from './exit-code.ts';

/** A terminal at which these keys are pressed. */
function pressing(keys: string): { readonly context: Context; screen(): string } {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let screen = '';
  stderr.on('data', (text) => (screen += text));
  setImmediate(() => stdin.write(keys));
  const terminal = { stdin, stderr, stdout: stderr, env: {}, cwd: '/', now: () => 0 };
  const options = { json: false, yes: false, verbose: false, files: [], hosts: [], profiles: [] };
  const context = { terminal, options, signal: new AbortController().signal, style: styleFor(false) };
  return { context: context as unknown as Context, screen: () => screen };
}

const question = { command: 'deploy', text: 'Do this to shop?' };

test('an answer on the terminal is understood', async () => {
  assert.equal(await confirm(pressing('y\r').context, question), true);
  assert.equal(await confirm(pressing('\r').context, question), false);
});

for (const [name, key] of [
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
] as const) {
  test(`${name} at a question ends the command in order, and says that nothing was changed`, async () => {
    const { context, screen } = pressing(key);
    const error = await confirm(context, question).catch((thrown: unknown) => thrown);
    assert.equal(errorExitCode(error), 130);
    const shown = renderError(error, { style: styleFor(false), colour: false, verbose: false });
    assert.equal(shown, '✘ nothing was changed\n');
    await new Promise((next) => setImmediate(next));
    assert.match(screen(), /\n$/);
  });
}
