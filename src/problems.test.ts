import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Problem, problemAt, renderProblems, showPath, sortProblems } from './problems.ts';

const source = {
  path: '/x/compose.yaml',
  name: 'compose.yaml',
  text: 'services:\n  web:\n\tprots: [1]\n  é: x\n',
};
const at = (text: string) => ({
  source,
  start: source.text.indexOf(text),
  end: source.text.indexOf(text) + text.length,
});

test('a problem is shown with its place, the line, a mark under the spot, and the remedy', () => {
  const problems = [
    problemAt(at('é'), ['services', 'é'], 'is no name'),
    problemAt(
      at('prots'),
      ['services', 'web', 'prots'],
      'there is no key "prots" here; did you mean "ports"?',
      'Write "ports:".',
    ),
    { ...problemAt(at('web'), ['services', 'web'], 'is old'), severity: 'warning' as const },
  ];
  assert.equal(
    renderProblems(problems, { colour: false }),
    `compose.yaml:2:3  services.web: is old
    2 |   web:
      |   ^^^

compose.yaml:3:2  services.web.prots: there is no key "prots" here; did you mean "ports"?
    3 |     prots: [1]
      |     ^^^^^
      → Write "ports:".

compose.yaml:4:3  services["é"]: is no name
    4 |   é: x
      |   ^

2 problems, 1 warning
`,
  );
});

test('colour is only used when asked for, and a file cannot send escape sequences to the terminal', () => {
  const evil = { path: '/e', name: 'e.yaml', text: 'a: "\u001b]0;gotcha\u0007"' };
  const problem = problemAt({ source: evil, start: 3, end: 10 }, ['a'], 'bad \u001b[31m value');
  assert.doesNotMatch(renderProblems([problem], { colour: false }), /\p{Cc}(?<!\n)/u);
  assert.ok(renderProblems([problem], { colour: true }).includes('\u001b['));
});

test('problems stand in the order of the file, each once', () => {
  const [a, b]: [Problem, Problem] = [problemAt(at('web'), [], 'x'), problemAt(at('é'), [], 'x')];
  assert.deepEqual(sortProblems([b, a, b]), [a, b]);
});

test('names with dots are told from paths', () => {
  assert.equal(showPath(['routes', 'a.example.com', 'port']), 'routes["a.example.com"].port');
  assert.equal(showPath(['services', 'web', 'ports', 0]), 'services.web.ports[0]');
});
