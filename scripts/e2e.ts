/**
 * `npm run e2e`: the core end-to-end tests; `-- --all`: every one, and its result file; `-- NAME …`: those whose name holds
 * NAME. `--record` writes the rows of what ran into the result file, `--lanes N` runs N parts at a time.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { runPart } from './e2e-part.ts';
import { type PartResult, readResults, renderResults, resultFile } from './e2e-results.ts';
import { prepareTests } from './prepare-tests.ts';
import { coreTests, endToEndTests, partName } from './test-files.ts';

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
const lanes = lanesOf(files, Number(values.lanes));
const results = (await Promise.all(lanes.map(runLane))).flat();
if (values.all || values.record) {
  mkdirSync(dirname(resultFile.json), { recursive: true });
  const known = values.all && positionals.length === 0 ? [] : readResults();
  writeFileSync(resultFile.json, `${JSON.stringify(mergeParts(known, results), undefined, 1)}\n`);
  writeFileSync(resultFile.page, renderResults(readResults()));
}
const failed = results.filter((part) => part.tests.some((test) => !test.passed));
const count = (passed: boolean): number =>
  results.flatMap((part) => part.tests).filter((test) => test.passed === passed).length;
for (const part of failed) console.log(`✘ ${part.name}`);
console.log(`${count(true)} passed, ${count(false)} failed`);
process.exit(failed.length === 0 ? 0 : 1);

/** Tests that share a lab stay in one lane, in their order; the others go where it is empty. */
function lanesOf(all: readonly string[], count: number): string[][] {
  const lanes: string[][] = Array.from({ length: Math.max(1, count) }, () => []);
  const byLab = Map.groupBy(all, labOf);
  for (const group of [...byLab.values()].toSorted((a, b) => b.length - a.length)) {
    const emptiest = lanes.toSorted((a, b) => a.length - b.length)[0];
    emptiest?.push(...group);
  }
  return lanes;
}

/** What tells the lab of a test: those of a stage that several files use share one. */
function labOf(file: string): string {
  if (file.includes('/core/') || readFileSync(file, 'utf8').includes('core/stage.ts')) return 'core';
  return file.includes('/tls/') ? 'tls' : file;
}

async function runLane(lane: readonly string[]): Promise<PartResult[]> {
  const done: PartResult[] = [];
  for (const file of lane) done.push(await runPart(file));
  return done;
}

function mergeParts(known: readonly PartResult[], fresh: readonly PartResult[]): PartResult[] {
  const byName = new Map([...known, ...fresh].map((part) => [part.name, part]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
