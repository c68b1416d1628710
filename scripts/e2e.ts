/**
 * `npm run e2e`: the core end-to-end tests; `-- --all`: every one, and its result file; `-- NAME …`: those whose name holds
 * NAME. `--record` writes the rows of what ran into the result file, `--lanes N` runs N parts at a time, each on labs of its own, and
 * then one by one those that need the machine to themselves.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { runPart } from './e2e-part.ts';
import { TestQueue } from './e2e-queue.ts';
import { type PartResult, readResults, renderResults, resultFile } from './e2e-results.ts';
import { prepareTests } from './prepare-tests.ts';
import { coreTests, endToEndTests, needsMachine, partName } from './test-files.ts';

const { values, positionals } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    lanes: { type: 'string', default: '1' },
  },
  allowPositionals: true,
});

const named = endToEndTests().filter((file) => positionals.some((name) => partName(file).includes(name)));
const unknown = positionals.filter((name) => !endToEndTests().some((file) => partName(file).includes(name)));
if (unknown.length > 0) {
  console.error(`No end-to-end test is called ${unknown.join(', ')}. There are:`);
  console.error(endToEndTests().map(partName).join('\n'));
  process.exit(2);
}
const files = positionals.length > 0 ? named : values.all ? endToEndTests() : coreTests();

if (!(await prepareTests())) process.exit(1);
const results: PartResult[] = [];
const lanes = Math.max(1, Number(values.lanes));
await runAll(
  files.filter((file) => !needsMachine(file)),
  lanes,
);
await runAll(files.filter(needsMachine), 1);
const failed = results.filter((part) => part.tests.some((test) => !test.passed));
const count = (passed: boolean): number =>
  results.flatMap((part) => part.tests).filter((test) => test.passed === passed).length;
for (const part of failed) console.log(`✘ ${part.name}`);
console.log(`${count(true)} passed, ${count(false)} failed`);
process.exit(failed.length === 0 ? 0 : 1);

/** What tells the lab of a test: those of a stage that several files use share one. */
function labOf(file: string): string {
  if (file.includes('/core/') || readFileSync(file, 'utf8').includes('core/stage.ts')) return 'core';
  return file.includes('/tls/') ? 'tls' : file;
}

/** How long it took the last time. */
function minutesOf(file: string): number {
  const seconds = readResults().find(({ name }) => name === partName(file))?.seconds;
  return (seconds ?? 240) / 60;
}

async function runAll(some: readonly string[], side: number): Promise<void> {
  const queue = new TestQueue(some.map((file) => ({ file, group: labOf(file), minutes: minutesOf(file) })));
  const lane = (index: number): string => (index === 0 ? '' : `${index + 1}`);
  await Promise.all(Array.from({ length: side }, (_, index) => runLane(queue, lane(index))));
}

/** One part after the other; each is written down when it ended, in place of what is known of it. */
async function runLane(queue: TestQueue, lane: string): Promise<void> {
  let group: string | undefined;
  for (let next = queue.next(group); next !== undefined; next = queue.next(group)) {
    group = next.group;
    const part = await runPart(next.file, lane);
    results.push(part);
    if (values.all || values.record) record(part);
  }
}

function record(part: PartResult): void {
  const names = new Set(endToEndTests().map(partName));
  const others = readResults().filter(({ name }) => name !== part.name && names.has(name));
  const all = [...others, part].sort((a, b) => (a.name < b.name ? -1 : 1));
  mkdirSync(dirname(resultFile.json), { recursive: true });
  writeFileSync(resultFile.json, `${JSON.stringify(all, undefined, 1)}\n`);
  writeFileSync(resultFile.page, renderResults(all));
}
