import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLine, renderTerminal } from './terminal-svg.ts';

test('colours and weights begin and end where the terminal says', () => {
  const { spans, style } = parseLine('a \x1b[1m\x1b[32mgreen\x1b[39m\x1b[22m b\x1b[0;2m dim');
  assert.deepEqual(spans, [
    { column: 0, text: 'a ', isBold: false, isDim: false },
    { column: 2, text: 'green', isBold: true, isDim: false, colour: '#56d364' },
    { column: 7, text: ' b', isBold: false, isDim: false },
    { column: 9, text: ' dim', isBold: false, isDim: true },
  ]);
  assert.equal(style.isDim, true);
});

test('a style goes on over the end of a line', () => {
  const picture = renderTerminal(['\x1b[31mred', 'still'], { columns: 20, title: 't' });
  assert.equal(picture.match(/fill="#ff7b72"/g)?.length, 2);
});

test('what is no style is left out, and what XML would read as markup is text', () => {
  const picture = renderTerminal(['\x1b[2K\x1b(B<a href="x">&\x1b[K\r'], { columns: 20, title: '<title>' });
  assert.match(picture, /<text [^>]*>&lt;a href="x"&gt;&amp;<\/text>/);
  assert.match(picture, /<title>&lt;title&gt;<\/title>/);
  assert.ok(!picture.includes('\x1b'));
});

test('blanks move what follows, and every word has the width of its cells', () => {
  const picture = renderTerminal(['  ✔ ok   1 s'], { columns: 20, title: 't' });
  assert.match(picture, /<text x="36.8" y="62" textLength="33.6">✔ ok<\/text>/);
  assert.match(picture, /<text x="95.6" y="62" textLength="25.2">1 s<\/text>/);
});
