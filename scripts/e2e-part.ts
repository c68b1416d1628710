import { execFileSync } from 'node:child_process';
import { run } from 'node:test';
import type { PartResult, TestResult } from './e2e-results.ts';
import { partName } from './test-files.ts';

/** Tests of one file may take this long together. */
const PART_TIMEOUT_MS = 1_800_000;

/**
 * Runs the tests of one file in a process of its own, shows them, and gives what came of them.
 *
 * @param lane which of those that run side by side: each has labs of its own. Empty: there is one.
 */
export async function runPart(file: string, lane: string): Promise<PartResult> {
  const startedAt = new Date().toISOString();
  const start = performance.now();
  const tests: TestResult[] = [];
  let figures: string[] = [];
  const name = partName(file);
  console.log(`\n── ${name}`);
  const stream = run({
    files: [file],
    concurrency: 1,
    timeout: PART_TIMEOUT_MS,
    env: { ...process.env, SEAWALL_TEST_LANE: lane },
  });
  // Diagnostics of a test come after its result, and before the next one's.
  const figuresOf = (): string[] => {
    figures = [];
    return figures;
  };
  stream.on('test:diagnostic', ({ message, nesting }) => {
    // What the runner itself counts stands at the end, one word and a number.
    if (nesting === 0 && /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message))
      return;
    figures.push(message);
    console.log(`  ${message}`);
  });
  stream.on('test:pass', (event) => {
    if (event.details.type === 'suite') return;
    const { skip, todo } = event;
    // What was not run was not shown.
    const passed = skip === undefined && todo === undefined;
    tests.push({
      name: event.name,
      passed,
      seconds: seconds(event.details.duration_ms),
      figures: figuresOf(),
    });
    console.log(`${passed ? '✔' : '✘ skipped:'} ${event.name} (${seconds(event.details.duration_ms)} s)`);
  });
  stream.on('test:fail', (event) => {
    if (event.details.type === 'suite') return;
    tests.push({
      name: event.name,
      passed: false,
      seconds: seconds(event.details.duration_ms),
      figures: figuresOf(),
    });
    const cause = event.details.error.cause;
    console.log(
      `✘ ${event.name}\n${cause instanceof Error ? cause.stack : String(cause ?? event.details.error)}`,
    );
  });
  stream.on('test:stdout', ({ message }) => process.stdout.write(message));
  stream.on('test:stderr', ({ message }) => process.stderr.write(message));
  for await (const _ of stream);
  return {
    name,
    startedAt,
    commit: commitOf(),
    seconds: seconds(performance.now() - start),
    tests: tests.length > 0 ? tests : [{ name: 'no test ran', passed: false, seconds: 0, figures: [] }],
  };
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

function commitOf(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', '--untracked-files=no', '--', ':!docs/results') !== '';
  return `${git('rev-parse', '--short=10', 'HEAD')}${isChanged ? ' with changes' : ''}`;
}
