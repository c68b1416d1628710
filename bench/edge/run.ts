import { runCommand } from '../../lab/command.ts';
import { usageOf } from '../command.ts';
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

/** One load on one proxy. */
interface Measurement extends WrkReport {
  readonly round: number;
  readonly scheme: Scheme;
  readonly clients: number;
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

const schemes: readonly Scheme[] = ['http', 'https'];
const clientCounts = [32, 256] as const;

async function measure(
  { stage, rounds, seconds, say }: EdgeBenchOptions,
  contenders: readonly Contender[],
): Promise<readonly Measurement[]> {
  const all: Measurement[] = [];
  // Round 0 warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const scheme of schemes) {
      for (const clients of clientCounts) {
        // Every round begins with another one.
        const order = contenders.map((_, index) => contenders[(index + round) % contenders.length]);
        for (const contender of order) {
          if (contender === undefined) continue;
          if (round === 0) await warmUp(stage, contender, scheme, clients);
          else all.push({ round, ...(await load(stage, contender, { scheme, clients, seconds })) });
        }
      }
    }
    say(`edge: round ${round} of ${rounds}`);
  }
  return all;
}

/** Nothing is made of what it sees: on a busy machine a second may pass before the first answer. */
async function warmUp(stage: Stage, contender: Contender, scheme: Scheme, clients: number): Promise<void> {
  await load(stage, contender, { scheme, clients, seconds: 1 }).catch(() => undefined);
}

async function load(
  { lab, address }: Stage,
  contender: Contender,
  { scheme, clients, seconds }: { scheme: Scheme; clients: number; seconds: number },
): Promise<Omit<Measurement, 'round'>> {
  const url = `${scheme}://${domain}:${contender.ports[scheme]}/`;
  const container = contender.containers[scheme];
  const before = await usageOf(lab, 'host1', container);
  const seen = await runWrk({ url, hostHeader: domain, address: address('host1'), clients, seconds });
  const after = await usageOf(lab, 'host1', container);
  const cpuUs = (after.cpuNs - before.cpuNs) / 1000 / seen.requests;
  return { scheme, clients, contender: contender.name, cpuUs, ...seen };
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
  const cells = schemes.flatMap((scheme) => clientCounts.map((clients) => ({ scheme, clients })));
  const of = (cell: { scheme: Scheme; clients: number }) =>
    all.filter(({ scheme, clients }) => scheme === cell.scheme && clients === cell.clients);
  return {
    title: 'Edge: throughput and latency',
    how: `Seawall's edge as \`seawall deploy\` made it, nginx with the tutorials' configuration (a connection and HTTP/1.0 for each request), nginx tuned by hand, HAProxy and Caddy on the same host, with the same two replicas (a page of 1 KiB) on two other hosts behind the private network, the same headers and one JSON log line a request. Keep-alive clients of wrk, ${rounds} rounds of ${seconds} s each; figures are medians, ratios medians of the ratios within a round. CPU is what the proxy itself used for a request. TLS: certificates of the same kind (ECDSA P-256), Seawall's from its private CA.`,
    ratios: cells.flatMap((cell) => ratiosOf(of(cell), `${cell.scheme}, ${cell.clients} clients`)),
    tables: cells.map((cell) => tableOf(of(cell), `${cell.scheme}, ${cell.clients} clients`)),
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
  const ratio = (name: string): number =>
    median(
      (byName.get('seawall') ?? []).map((own) => {
        const other = byName.get(name)?.find(({ round }) => round === own.round);
        return own.requestsPerSecond / (other?.requestsPerSecond ?? Number.NaN);
      }),
    );
  return [
    { what: `${where}: requests/s, ours ÷ tutorial`, value: ratio('tutorial'), asked: { is: '>=', than: 3 } },
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
