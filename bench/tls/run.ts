import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../lab/command.ts';
import { carryImage, onHost, usageOf } from '../command.ts';
import { median } from '../median.ts';
import type { Ratio, Section } from '../result.ts';
import type { Project, Stage } from '../stage.ts';
import { runWrk } from '../wrk.ts';
import { type Reload, reloadNginx } from './nginx-process.ts';
import { domainsOf, type PlainDomain, plainNginx } from './plain.ts';

export interface TlsBenchOptions {
  readonly stage: Stage;
  readonly domains: number;
  readonly rounds: number;
  /** Seconds of one load. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** One of the two, as it was measured in each round. */
interface Contender {
  readonly name: 'seawall' | 'plain';
  readonly container: string;
  readonly port: number;
  readonly file: string;
}

interface Round extends Reload {
  readonly contender: Contender['name'];
  readonly round: number;
  readonly handshakesPerSecond: number;
  /** Microseconds of CPU that nginx used for a handshake with its request. */
  readonly cpuUs: number;
  readonly failed: number;
  readonly memoryBytes: number;
}

const host = 'host1';
const folder = '/var/lib/bench-tls';
const own: Contender = {
  name: 'seawall',
  container: 'seawall-edge',
  port: 443,
  file: '/var/lib/seawall/edge/current/nginx.conf',
};
const plain: Contender = {
  name: 'plain',
  container: 'bench-plain',
  port: 8443,
  file: `${folder}/plain.conf`,
};
const connections = 16;
const certificatesTimeoutMs = 900_000;
const domainName = (index: number): string => `d${index}.bench.example.net`;

/** Many domains with a certificate each on one edge, beside a plain nginx that has the same certificates. */
export async function benchTls(options: TlsBenchOptions): Promise<Section> {
  const { stage, domains, say } = options;
  const project = stage.project('web');
  const startedAt = performance.now();
  try {
    for (const part of partsOf(domains)) {
      writeRoutes(project, part);
      await deploy(project, part, say);
    }
    const served = await allServed(stage, domains);
    const readyMs = performance.now() - startedAt;
    say(`tls: ${domains} domains serve after ${Math.round(readyMs / 1000)} s`);
    await startPlain(stage, served);
    for (const contender of [own, plain]) await answers(stage, contender, served[0]?.name ?? '');
    const rounds: Round[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const contender of round % 2 === 0 ? [own, plain] : [plain, own])
        rounds.push(await measure(options, contender, round, served));
      say(`tls: round ${round} of ${options.rounds}`);
    }
    return report(options, rounds, readyMs);
  } finally {
    await onHost(stage.lab, host, `docker rm -f ${plain.container} >/dev/null 2>&1; rm -rf ${folder}`);
    for (const part of partsOf(domains))
      await project.seawall(['down', '--yes', '--volumes'], { PROJECT: part.project });
  }
}

/** A project of the bench and its part of the domains. */
interface Part {
  readonly project: string;
  readonly names: readonly string[];
}

/** A release of many more does not fit into a value of the catalog (Consul's limit, 512 KiB). */
const domainsOfProject = 500;

function partsOf(domains: number): readonly Part[] {
  const names = Array.from({ length: domains }, (_, index) => domainName(index));
  const count = Math.ceil(domains / domainsOfProject);
  return Array.from({ length: count }, (_, index) => ({
    project: `many${index}`,
    names: names.slice(index * domainsOfProject, (index + 1) * domainsOfProject),
  }));
}

/** A machine that issues hundreds of certificates may be too busy for a deploy: it is run again, as its user would. */
async function deploy(project: Project, part: Part, say: TlsBenchOptions['say'], tries = 3): Promise<void> {
  try {
    await project.seawall(['deploy', '--yes'], { PROJECT: part.project });
  } catch (error) {
    if (tries <= 1) throw error;
    say(`tls: the deploy of ${part.project} is run again: ${String(error).split('\n').at(-2)}`);
    await deploy(project, part, say, tries - 1);
  }
}

/** Each domain has a certificate of its own, of the private CA: no other issuer is to be measured. */
function writeRoutes(project: Project, { names }: Part): void {
  const route = { service: 'web', port: 8080, tls: 'internal' };
  const routes = Object.fromEntries(names.map((name) => [name, route]));
  writeFileSync(join(project.folder, 'seawall.yml'), JSON.stringify({ routes }));
}

/** Waits until the edge's configuration names a certificate for each domain. */
async function allServed(stage: Stage, domains: number): Promise<readonly PlainDomain[]> {
  const deadline = performance.now() + certificatesTimeoutMs;
  for (;;) {
    const found = domainsOf(await onHost(stage.lab, host, `cat ${own.file}`));
    if (found.length >= domains) return found;
    if (performance.now() > deadline)
      throw new Error(`${found.length} of ${domains} domains had a certificate in time`);
    await sleep(1000);
  }
}

/** The same certificates, copied, and the same replicas. */
async function startPlain(stage: Stage, served: readonly PlainDomain[]): Promise<void> {
  const { lab } = stage;
  const text = await onHost(lab, host, `cat ${own.file}`);
  const upstreams = [...text.matchAll(/^\s*server (\d+\.\d+\.\d+\.\d+:\d+)/gm)].map(
    ([, address = '']) => address,
  );
  const copied = served.map(({ name, certificate, key }) => ({
    name,
    certificate: certificate.replace('/var/lib/seawall/edge', folder),
    key: key.replace('/var/lib/seawall/edge', folder),
  }));
  const settings = { domains: copied, upstreams: [...new Set(upstreams)], port: plain.port, folder };
  await onHost(lab, host, `mkdir -p ${folder} && cp -rL /var/lib/seawall/edge/certs ${folder}/`);
  await onHost(lab, host, `cat > ${plain.file}`, plainNginx(settings));
  await carryImage(lab, host, 'nginx:1.30');
  const mounts = `--network host --volume ${folder}:${folder}`;
  const command = `sh -c 'ulimit -n "$(ulimit -Hn)"; exec nginx -c ${plain.file} -g "daemon off;"'`;
  await onHost(lab, host, `docker run -d --name ${plain.container} ${mounts} nginx:1.30 ${command}`);
}

/** nginx listens once it has read every certificate. */
async function answers({ address }: Stage, { port }: Contender, name: string): Promise<void> {
  const resolve = ['--resolve', `${name}:${port}:${address(host)}`];
  const retry = ['--retry', '60', '--retry-delay', '1', '--retry-all-errors', '--retry-max-time', '120'];
  await runCommand('curl', ['-fsSk', ...retry, ...resolve, `https://${name}:${port}/`]);
}

async function measure(
  { stage, seconds }: TlsBenchOptions,
  contender: Contender,
  round: number,
  served: readonly PlainDomain[],
): Promise<Round> {
  const { lab, address } = stage;
  const { name = '' } = served[(round * 37) % served.length] ?? {};
  const before = await usageOf(lab, host, contender.container);
  const load = await runWrk({
    url: `https://${name}:${contender.port}/`,
    hostHeader: name,
    address: address(host),
    isClosing: true,
    clients: connections,
    seconds,
  });
  const { memoryBytes, cpuNs } = await usageOf(lab, host, contender.container);
  // Last: what ends old workers would take its part of a load.
  const reload = await reloadNginx(lab, host, contender.container, contender.file);
  const handshakesPerSecond = load.requestsPerSecond;
  return {
    contender: contender.name,
    round,
    ...reload,
    handshakesPerSecond,
    cpuUs: (cpuNs - before.cpuNs) / 1000 / load.requests,
    failed: load.failed,
    memoryBytes,
  };
}

function report(
  { domains, rounds, seconds }: TlsBenchOptions,
  all: readonly Round[],
  readyMs: number,
): Section {
  const of = (name: Contender['name']) => all.filter(({ contender }) => contender === name);
  const ratio = (what: string, value: (round: Round) => number, asked?: Ratio['asked']): Ratio => ({
    what: `${what}, ours ÷ plain`,
    value: median(
      of('seawall').map((each) => {
        const other = of('plain').find(({ round }) => round === each.round);
        return value(each) / (other === undefined ? Number.NaN : value(other));
      }),
    ),
    ...(asked === undefined ? {} : { asked }),
  });
  const rows = (['seawall', 'plain'] as const).map((name) => {
    const middle = (value: (round: Round) => number): number => median(of(name).map(value));
    return [
      name,
      Math.round(middle(({ testMs }) => testMs)),
      Math.round(middle(({ reloadMs }) => reloadMs)),
      Math.round(middle(({ memoryBytes }) => memoryBytes) / 1e6),
      Math.round(middle(({ handshakesPerSecond }) => handshakesPerSecond)),
      Math.round(middle(({ cpuUs }) => cpuUs)),
      of(name).reduce((sum, { failed }) => sum + failed, 0),
    ];
  });
  return {
    title: `TLS: ${domains} domains on one edge`,
    how: `${domains} routes of ${partsOf(domains).length} projects with \`tls: internal\`, each a certificate of its own (ECDSA P-256), as \`seawall deploy\` made them: from the first command to the last certificate in the edge's configuration ${Math.round(readyMs / 1000)} s. Beside it, on the same host, a plain nginx with the same certificates and replicas. Test: \`nginx -t\`, before each swap. Reload: from SIGHUP to the first new worker. Handshakes: ${connections} clients of wrk that close each connection after one request, without resumption, ${rounds} rounds of ${seconds} s, another domain in each. Medians; ratios are medians of the ratios within a round. Memory is what the container holds after the load.`,
    ratios: [
      ratio('handshakes/s', ({ handshakesPerSecond }) => handshakesPerSecond, { is: '>=', than: 0.9 }),
      ratio('CPU of a handshake', ({ cpuUs }) => cpuUs),
      ratio('reload time', ({ reloadMs }) => reloadMs, { is: '<=', than: 1.5 }),
      ratio('memory', ({ memoryBytes }) => memoryBytes),
    ],
    tables: [
      {
        title: `${domains} domains`,
        columns: ['', 'test ms', 'reload ms', 'memory MB', 'handshakes/s', 'CPU µs each', 'failed'],
        rows,
      },
    ],
    left: [],
    raw: all,
  };
}
