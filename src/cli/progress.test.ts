import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden-file.ts';
import type { Progress } from '../progress.ts';
import { styleFor } from '../style.ts';
import { TreeProgress } from './progress.ts';
import { PlainProgress } from './progress-plain.ts';

/** Milliseconds after which each event happens. */
const script: readonly (readonly [number, Progress])[] = [
  [0, { kind: 'begin', id: 'build', title: 'build seawall/polls-web:9bc1' }],
  [
    900,
    { kind: 'line', from: 'build web', text: '#5 RUN pip install\t\u001b[31m-r requirements.txt\u001b[0m' },
  ],
  [4200, { kind: 'end', id: 'build', outcome: 'done' }],
  [0, { kind: 'begin', id: 'images', title: 'move images' }],
  [
    10,
    {
      kind: 'begin',
      id: 'images/app2',
      parent: 'images',
      host: 'app2',
      title: 'load seawall/polls-web:9bc1',
    },
  ],
  [
    10,
    {
      kind: 'begin',
      id: 'images/app1',
      parent: 'images',
      host: 'app1',
      title: 'load seawall/polls-web:9bc1',
    },
  ],
  [2000, { kind: 'note', id: 'images/app2', text: '12 MB of 40 MB' }],
  [50, { kind: 'end', id: 'images/app1', outcome: 'skipped', text: 'it is there' }],
  [3000, { kind: 'end', id: 'images/app2', outcome: 'done' }],
  [0, { kind: 'end', id: 'images', outcome: 'done' }],
  [0, { kind: 'begin', id: 'web', title: 'roll web' }],
  [0, { kind: 'begin', id: 'web-1', parent: 'web', host: 'app1', title: 'replace web-1' }],
  [
    100,
    {
      kind: 'begin',
      id: 'web-1/start',
      parent: 'web-1',
      host: 'app1',
      title: 'start polls-web-1-a-container-name-that-is-much-longer-than-the-line',
    },
  ],
  [0, { kind: 'begin', id: 'web-2', parent: 'web', host: 'app2', title: 'replace web-2' }],
  [1000, { kind: 'note', id: 'web-1/start', text: 'not healthy yet: GET / answers 500' }],
  [61_000, { kind: 'end', id: 'web-1/start', outcome: 'failed' }],
  [0, { kind: 'end', id: 'web-1', outcome: 'failed', text: 'not healthy within 60 s' }],
  [0, { kind: 'end', id: 'web-2', outcome: 'skipped' }],
  [0, { kind: 'end', id: 'web', outcome: 'failed' }],
];

test('off a terminal every step that ends is one line, and what takes long says what it waits for', () => {
  let now = 1000;
  let output = '';
  const view = new PlainProgress({ put: (text) => (output += text), style: styleFor(false), now: () => now });
  for (const [after, event] of script) {
    const until = now + after;
    for (; now < until; now += Math.min(1000, until - now)) view.signs();
    view.report(event);
  }
  view.close();
  assertGolden('progress/plain.txt', output);
});

test('on a terminal the steps stand as a tree by host, long names are cut, and what ended stays above', () => {
  let now = 1000;
  const screen = new Screen();
  const frames: string[] = [];
  const view = new TreeProgress({
    put: (text) => screen.write(text),
    style: styleFor(false),
    now: () => now,
    size: () => ({ columns: 72, rows: 24 }),
  });
  for (const [after, event] of script) {
    now += after;
    view.report(event);
    view.draw();
    frames.push(screen.text());
  }
  view.close();
  frames.push(screen.text());
  assertGolden('progress/tree.txt', frames.map((frame, index) => `--- ${index}\n${frame}`).join(''));
});

test('more steps than the terminal has rows do not push the screen up on every redraw', () => {
  const screen = new Screen();
  const view = new TreeProgress({
    put: (text) => screen.write(text),
    style: styleFor(false),
    now: () => 0,
    size: () => ({ columns: 40, rows: 10 }),
  });
  for (let n = 0; n < 30; n++) view.report({ kind: 'begin', id: `${n}`, title: `step ${n}` });
  view.draw();
  view.draw();
  assert.equal(screen.text().split('\n').length - 1, 8);
  assert.match(screen.text(), /… 23 more\n.*step 23/);
  view.pause();
  assert.equal(screen.text(), '');
});

test('no line of a frame is as wide as the terminal, however narrow it is', () => {
  for (const columns of [1, 10, 20, 40, 200]) {
    const screen = new Screen();
    const view = new TreeProgress({
      put: (text) => screen.write(text),
      style: styleFor(false),
      now: () => 0,
      size: () => ({ columns, rows: 40 }),
    });
    view.report({ kind: 'begin', id: 'a', title: 'x'.repeat(300) });
    view.report({ kind: 'note', id: 'a', text: 'y'.repeat(300) });
    view.draw();
    for (const line of screen.text().split('\n'))
      assert.ok([...line].length < Math.max(columns, 12), `${columns}: ${line}`);
    view.pause();
  }
});

/** As much of a terminal as the renderer uses: lines, "up N lines to the first column", "clear to the end". */
class Screen {
  #lines: string[] = [''];

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal reads.
    for (const [, code, character] of text.matchAll(/\u001b\[(\?\d+[hl]|\d*[FJ])|([\s\S])/gu)) {
      if (code?.endsWith('F')) {
        this.#lines.length -= Number(code.slice(0, -1));
        this.#lines[this.#lines.length - 1] = '';
      } else if (character === '\n') this.#lines.push('');
      else if (character !== undefined) this.#lines[this.#lines.length - 1] += character;
    }
  }

  text(): string {
    return this.#lines.join('\n');
  }
}
