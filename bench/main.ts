/**
 * `npm run bench [-- NAME …] [--quick] [--keep]`: measures Seawall beside what it replaces, prints ratios and keeps them in
 * docs/bench.md and docs/bench.json; benches that do not run keep their last result there.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand } from '../lab/command.ts';
import { benchAgent } from './agent/index.ts';
import { benchDeploy } from './deploy/index.ts';
import { benchDiscovery } from './discovery/index.ts';
import { benchEdge } from './edge/index.ts';
import { benchPlan } from './plan.ts';
import { type DatedSection, renderResults, renderTable, type Section } from './result.ts';
import { bringUpStage, type Stage } from './stage.ts';
import { benchTls } from './tls/index.ts';
import { ensureTools, toolVersion } from './tools.ts';

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const { quick, keep } = values;
const say = (line: string): void => console.log(line);

type Bench = (stage: Stage) => Promise<Section>;

const onStage: Readonly<Record<string, Bench>> = {
  edge: (stage) => benchEdge({ stage, say, rounds: quick ? 2 : 5, seconds: 3 }),
  discovery: (stage) => benchDiscovery({ stage, say, runs: quick ? 5 : 20 }),
  deploy: (stage) => benchDeploy({ stage, say, megabytes: quick ? 40 : 400 }),
  tls: (stage) =>
    benchTls({ stage, say, domains: quick ? 200 : 2000, rounds: quick ? 2 : 3, seconds: quick ? 3 : 4 }),
  plan: planSection,
  agent: (stage) =>
    benchAgent({ stage, say, counts: quick ? [10, 50] : [10, 500], seconds: quick ? 20 : 60 }),
};

async function planSection(): Promise<Section> {
  const rows = await benchPlan();
  const mb = (bytes: number) => Math.round(bytes / 1e6);
  return {
    title: 'Plan',
    how: 'The planner alone, without hosts: services of ten replicas each on simulated hosts. Times are medians of five plans.',
    ratios: [],
    tables: [
      {
        title: 'Time and memory',
        columns: ['services', 'hosts', 'replicas', 'first ms', 'no change ms', 'all renewed ms', 'peak MB'],
        rows: rows.map((row) => [
          row.services,
          row.hosts,
          row.replicas,
          Math.round(row.firstMs),
          Math.round(row.noChangeMs),
          Math.round(row.renewMs),
          mb(row.peakMemoryBytes),
        ]),
      },
    ],
    left: [],
    raw: rows,
  };
}

const unknown = positionals.filter((name) => onStage[name] === undefined);
if (unknown.length > 0) {
  console.error(`no bench is named ${unknown.join(', ')}; there are ${Object.keys(onStage).join(', ')}`);
  process.exit(2);
}
const names = positionals.length > 0 ? positionals : Object.keys(onStage);

const docs = join(import.meta.dirname, '../docs');
await ensureTools();
const stage = await bringUpStage({ roles: { host1: ['edge'], host2: ['app'], host3: ['app'] }, say });
try {
  for (const name of names) {
    // One that fails keeps its last result and does not keep the others from running.
    await runBench(name, onStage[name] as Bench).catch((error: unknown) => {
      console.error(`bench ${name} failed:`, error);
      process.exitCode = 1;
    });
  }
} finally {
  if (!keep) await stage.end();
}

async function runBench(name: string, bench: Bench): Promise<void> {
  const started = performance.now();
  const section = await bench(stage);
  const seconds = (performance.now() - started) / 1000;
  const dated = { ...section, ...(await circumstances()), seconds, quick };
  show(dated);
  await keepResult(name, dated);
}

async function circumstances(): Promise<Omit<DatedSection, keyof Section | 'seconds' | 'quick'>> {
  const [cpu] = cpus();
  const commit = await runCommand('git', ['rev-parse', '--short', 'HEAD'], { cwd: docs });
  const engines = stage.lab.hosts.map(({ engine }) => engine?.split('+')[0]);
  return {
    at: new Date().toISOString(),
    commit,
    machine: `${cpus().length} × ${cpu?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    versions: {
      nginx: '1.30',
      HAProxy: await toolVersion(['haproxy', '-v']),
      Caddy: await toolVersion(['caddy', 'version']),
      'Docker Engine': [...new Set(engines)].join(' and '),
      Node: process.versions.node,
    },
  };
}

function show({ title, ratios, tables, left }: Section): void {
  say(`\n── ${title}`);
  for (const { what, value, asked } of ratios)
    say(
      `${value.toFixed(2).padStart(8)}  ${what}${asked === undefined ? '' : ` (asked: ${asked.is} ${asked.than})`}`,
    );
  for (const table of tables) say(`\n${table.title}\n${renderTable(table)}`);
  for (const line of left) say(`left: ${line}`);
}

async function keepResult(name: string, section: DatedSection): Promise<void> {
  const file = join(docs, 'bench.json');
  const before = await readFile(file, 'utf8').catch(() => '{}');
  const all = { ...(JSON.parse(before) as Record<string, DatedSection>), [name]: section };
  await replaceFile(file, `${JSON.stringify(all, undefined, 1)}\n`);
  await replaceFile(join(docs, 'bench.md'), renderResults(all));
}

async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
