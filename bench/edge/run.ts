import { runCommand } from '../../lab/command.ts';
import type { Lab } from '../../lab/lab.ts';
import { onHost, usageOf } from '../command.ts';
import { median } from '../median.ts';
import type { Ratio, Section, Table } from '../result.ts';
import type { Stage } from '../stage.ts';
import { runWrk, type WrkReport } from '../wrk.ts';
import { type Contender, type Scheme, startContenders, stopContenders } from './contenders.ts';

const domain = 'bench.example';

export interface EdgeBenchOptions {
  readonly stage: Stage;
  readonly rounds: number;
  /** Seconds of one load. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** What is loaded, and how. */
interface Cell {
  readonly share: Share;
  readonly scheme: Scheme;
  readonly clients: number;
}

/**
 * What of the machine a proxy gets: `limited` a part of one core, so that it is the proxy that limits; `whole` all that load and
 * replicas leave to it.
 */
type Share = 'limited' | 'whole';

/** One load on one proxy. */
interface Measurement extends WrkReport, Cell {
  readonly round: number;
  readonly contender: string;
  /** Microseconds of CPU that the proxy itself used for a request. */
  readonly cpuUs: number;
}

/** Throughput and latency of Seawall's edge as deployed, beside other proxies with the same replicas. */
export async function benchEdge(options: EdgeBenchOptions): Promise<Section> {
  const { stage } = options;
  const project = stage.project('web');
  await project.seawall(['deploy', '--yes']);
  try {
    const contenders = await startContenders(stage, domain);
    await Promise.all(contenders.map((contender) => answers(stage, contender)));
    return report(await measure(options, contenders), options);
  } finally {
    await stopContenders(stage);
    await project.seawall(['down', '--yes', '--volumes']);
  }
}

/** Cores of a limited proxy. */
const limitedCores = 0.4;
/** Short, so that a proxy that used its part up waits for milliseconds. */
const periodUs = 10_000;
const schemes: readonly Scheme[] = ['http', 'https'];
const cells: readonly Cell[] = (['limited', 'whole'] as const).flatMap((share) =>
  schemes.flatMap((scheme) => [32, 256].map((clients) => ({ share, scheme, clients }))),
);

async function measure(
  { stage, rounds, seconds, say }: EdgeBenchOptions,
  contenders: readonly Contender[],
): Promise<readonly Measurement[]> {
  const all: Measurement[] = [];
  // Round 0 warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    // Every round begins with another one.
    const order = contenders.map((_, index) => contenders[(index + round) % contenders.length]);
    for (const cell of cells) {
      for (const contender of order) {
        if (contender === undefined) continue;
        if (round === 0) await warmUp(stage, contender, cell);
        else all.push({ round, ...(await load(stage, contender, cell, seconds)) });
      }
    }
    say(`edge: round ${round} of ${rounds}`);
  }
  return all;
}

/** Nothing is made of what it sees: on a busy machine a second may pass before the first answer. */
async function warmUp(stage: Stage, contender: Contender, cell: Cell): Promise<void> {
  await load(stage, contender, cell, 1).catch(() => undefined);
}

async function load(
  { lab, address }: Stage,
  contender: Contender,
  { share, scheme, clients }: Cell,
  seconds: number,
): Promise<Omit<Measurement, 'round'>> {
  const url = `${scheme}://${domain}:${contender.ports[scheme]}/`;
  const container = contender.containers[scheme];
  if (share === 'limited') await setCores(lab, container, limitedCores);
  const before = await usageOf(lab, 'host1', container);
  const seen = await runWrk({ url, hostHeader: domain, address: address('host1'), clients, seconds });
  const after = await usageOf(lab, 'host1', container);
  if (share === 'limited') await setCores(lab, container, 'all');
  const cpuUs = (after.cpuNs - before.cpuNs) / 1000 / seen.requests;
  return { share, scheme, clients, contender: contender.name, cpuUs, ...seen };
}

async function setCores(lab: Lab, container: string, cores: number | 'all'): Promise<void> {
  const quotaUs = cores === 'all' ? -1 : Math.round(cores * periodUs);
  const update = `docker update --cpu-period ${periodUs} --cpu-quota=${quotaUs} ${container}`;
  await onHost(lab, 'host1', update);
}

/** Waits until a proxy gives the page over both schemes. */
async function answers({ address }: Stage, { name, ports }: Contender): Promise<void> {
  for (const scheme of schemes) {
    const port = ports[scheme];
    const resolve = ['--resolve', `${domain}:${port}:${address('host1')}`];
    const retry = ['--retry', '40', '--retry-delay', '1', '--retry-all-errors', '--retry-max-time', '40'];
    const url = `${scheme}://${domain}:${port}/`;
    const page = await runCommand('curl', ['-fsSk', ...retry, ...resolve, url]);
    if (!page.startsWith('bench ')) throw new Error(`${name} gives another page over ${scheme}`);
  }
}

function report(all: readonly Measurement[], { rounds, seconds }: EdgeBenchOptions): Section {
  const of = (cell: Cell) =>
    all.filter(
      ({ share, scheme, clients }) =>
        share === cell.share && scheme === cell.scheme && clients === cell.clients,
    );
  const title = ({ share, scheme, clients }: Cell) =>
    `${scheme}, ${clients} clients, ${share === 'limited' ? `${limitedCores} of a core` : 'whole machine'}`;
  return {
    title: 'Edge: throughput and latency',
    how: `Seawall's edge as \`seawall deploy\` made it, nginx with the tutorials' configuration (a connection and HTTP/1.0 for each request), nginx tuned by hand, HAProxy and Caddy on the same host, with the same two replicas (a page of 1 KiB) on two other hosts behind the private network, the same headers and one JSON log line a request. Keep-alive clients of wrk, ${rounds} rounds of ${seconds} s each; figures are medians, ratios medians of the ratios within a round. “${limitedCores} of a core”: every proxy is held to that by its control group, so that it is the proxy that limits. “Whole machine”: proxy, load and both replicas share the machine's cores, so that what load and replicas use for a request weighs in all figures and draws the ratios together. CPU is what the proxy itself used for a request. TLS: certificates of the same kind (ECDSA P-256), Seawall's from its private CA.`,
    ratios: cells.flatMap((cell) => ratiosOf(of(cell), title(cell))),
    tables: cells.map((cell) => tableOf(of(cell), title(cell))),
    left: [],
    raw: all,
  };
}

function ratiosOf(cell: readonly Measurement[], where: string): readonly Ratio[] {
  const byName = Map.groupBy(cell, ({ contender }) => contender);
  const others = [...byName.keys()].filter((name) => name !== 'seawall');
  const medians = others.map((name) => ({
    name,
    rate: median((byName.get(name) ?? []).map(({ requestsPerSecond }) => requestsPerSecond)),
  }));
  const best = medians.toSorted((a, b) => b.rate - a.rate)[0]?.name ?? '';
  const ratio = (name: string, one = 'seawall'): number =>
    median(
      (byName.get(one) ?? []).map((own) => {
        const other = byName.get(name)?.find(({ round }) => round === own.round);
        return own.requestsPerSecond / (other?.requestsPerSecond ?? Number.NaN);
      }),
    );
  return [
    { what: `${where}: requests/s, ours ÷ tutorial`, value: ratio('tutorial'), asked: { is: '>=', than: 3 } },
    { what: `${where}: requests/s, hand-tuned ÷ tutorial`, value: ratio('tutorial', 'tuned') },
    {
      what: `${where}: requests/s, ours ÷ hand-tuned`,
      value: ratio('tuned'),
      asked: { is: '>=', than: 0.95 },
    },
    { what: `${where}: requests/s, ours ÷ best (${best})`, value: ratio(best), asked: { is: '>=', than: 1 } },
  ];
}

function tableOf(cell: readonly Measurement[], title: string): Table {
  const rows = [...Map.groupBy(cell, ({ contender }) => contender)].map(([name, runs]) => [
    name,
    Math.round(median(runs.map((run) => run.requestsPerSecond))),
    median(runs.map((run) => run.p50Ms)).toFixed(1),
    median(runs.map((run) => run.p99Ms)).toFixed(1),
    median(runs.map((run) => run.cpuUs)).toFixed(0),
    runs.reduce((sum, run) => sum + run.failed, 0),
  ]);
  return { title, columns: ['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'failed'], rows };
}
