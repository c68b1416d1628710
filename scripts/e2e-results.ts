import { existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export const resultFile = { json: 'docs/results/e2e.json', page: 'docs/results/e2e.md' };

export interface TestResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** What the test itself measured. */
  readonly figures: readonly string[];
}

/** What came of one file of end-to-end tests. */
export interface PartResult {
  readonly name: string;
  /** ISO time. */
  readonly startedAt: string;
  readonly commit: string;
  readonly seconds: number;
  readonly tests: readonly TestResult[];
}

/** The parts as last recorded; none where nothing was. */
export const readResults = (): PartResult[] =>
  existsSync(resultFile.json) ? (JSON.parse(readFileSync(resultFile.json, 'utf8')) as PartResult[]) : [];

/** The page made of them: a line per part, then each test with its figures. */
export function renderResults(parts: readonly PartResult[], machine = machineText()): string {
  const tests = parts.flatMap((part) => part.tests);
  const passed = tests.filter((test) => test.passed).length;
  return [
    '# What the end-to-end tests showed',
    '',
    `Written by \`npm run e2e -- --all\` on ${machine}. ${passed} of ${tests.length} tests passed. A part that was run again by its ` +
      'name (`npm run e2e -- NAME --record`) carries the time and the commit of that run.',
    '',
    '| part | when (UTC) | commit | passed | minutes |',
    '|---|---|---|---|---|',
    ...parts.map(
      (part) =>
        `| ${part.name} | ${part.startedAt.slice(0, 16).replace('T', ' ')} | ${part.commit} | ` +
        `${part.tests.filter((test) => test.passed).length} of ${part.tests.length} | ${(part.seconds / 60).toFixed(1)} |`,
    ),
    ...parts.flatMap(partText),
    '',
  ].join('\n');
}

const partText = (part: PartResult): string[] => [
  '',
  `## ${part.name}`,
  '',
  ...part.tests.flatMap((test) => [
    `- ${test.passed ? '✔' : '✘'} ${escapeText(test.name)} (${test.seconds} s)`,
    ...test.figures.flatMap((figure) => figure.split('\n')).map((line) => `  - ${escapeText(line.trim())}`),
  ]),
];

/** Names and figures are text: nothing in them is markup. */
const escapeText = (text: string): string => text.replace(/[\\`*_<>|[\]]/g, '\\$&');

const machineText = (): string =>
  `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
