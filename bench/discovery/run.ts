import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { carryImage, onHost } from '../command.ts';
import { median, quantile } from '../median.ts';
import type { Section, Table } from '../result.ts';
import type { Stage } from '../stage.ts';
import { chainPort, startChain, stopChain } from './chain.ts';
import { fetchPrograms, type Programs } from './programs.ts';

export interface DiscoveryBenchOptions {
  readonly stage: Stage;
  /** Containers started for each. */
  readonly runs: number;
  readonly say: (line: string) => void;
}

/**
 * The chain asks nobody whether a container answers, unless the container says how (Registrator's `SERVICE_80_CHECK_TCP`); Seawall
 * always connects to it first. Consul begins a check at a moment of its own within the interval, and refuses less than a second.
 */
const contenders = {
  seawall: [],
  chain: [],
  'chain, check each second': ['SERVICE_80_CHECK_TCP=true', 'SERVICE_80_CHECK_INTERVAL=1s'],
  'chain, check as by default': ['SERVICE_80_CHECK_TCP=true'],
} as const;
type Who = keyof typeof contenders;
const everybody = Object.keys(contenders) as Who[];

interface Measurement {
  readonly who: Who;
  /** From the start of `docker run` to the first answer with status 200. */
  readonly totalMs: number;
  /** From the moment at which Docker says that the container started. */
  readonly fromStartMs: number;
}

const image = 'nginx:1.30';
const answerMs = 60_000;
/**
 * Milliseconds between the end of one container and the start of the next: both are to begin from rest, not while the proxy still
 * takes the last one out, whose address and port the next one has.
 */
const restMs = 4_000;
/** Milliseconds between two requests of the client that waits. */
const pollMs = 5;

/** Asked only after `docker run` has ended: an address that is asked before it is there is not asked again for a second (ARP). */
const itselfScript = `date +%s%N && docker run -d -p 8300:80 --name bench-app ${image} >/dev/null
until curl -fs -o /dev/null --max-time 1 http://127.0.0.1:8300/; do sleep 0.00${pollMs}; done
date +%s%N`;

/** From `docker run` of a container with a published port to the first request that the edge answers from it. */
export async function benchDiscovery({ stage, runs, say }: DiscoveryBenchOptions): Promise<Section> {
  const programs = await fetchPrograms();
  const project = stage.project('hand');
  await project.seawall(['deploy', '--yes']);
  try {
    await carryImage(stage.lab, 'host2', image);
    const agentImage = await onHost(
      stage.lab,
      'host2',
      "docker inspect -f '{{.Config.Image}}' seawall-agent",
    );
    await startChain(stage, programs, agentImage);
    const all: Measurement[] = [];
    const itself: number[] = [];
    for (let run = 0; run <= runs; run++) {
      // Every turn begins with another one.
      for (const [index] of everybody.entries()) {
        const who = everybody[(index + run) % everybody.length] as Who;
        const measured = await measure(stage, who);
        // The first of each warms up.
        if (run > 0) all.push(measured);
      }
      const itselfMs = await measureItself(stage);
      if (run > 0) itself.push(itselfMs);
      if (run % 5 === 0) say(`discovery: ${run} of ${runs} containers`);
    }
    return report({ all, itself }, programs, runs);
  } finally {
    await stopChain(stage);
    await project.seawall(['down', '--yes', '--volumes']);
  }
}

async function measure(stage: Stage, who: Who): Promise<Measurement> {
  const { lab, address } = stage;
  const place =
    who === 'seawall'
      ? { host: address('host1'), port: 80, header: 'ours.example', name: 'ours' }
      : { host: address('host1'), port: chainPort, header: 'theirs.example', name: 'theirs' };
  await until(async () => (await statusOf(place)) !== 200);
  await sleep(restMs);
  const answered = until(async () => (await statusOf(place)) === 200).then(() => Date.now());
  // All machines of the lab have one clock.
  const settings = [`SERVICE_NAME=${place.name}`, ...contenders[who]].map((text) => `-e ${text}`).join(' ');
  const script = `date +%s%N && docker run -d -p 8300:80 ${settings} --name bench-app ${image} && docker inspect -f '{{.State.StartedAt}}' bench-app`;
  const [printed, atMs] = await Promise.all([onHost(lab, 'host2', script), answered]);
  const [begun = '', , startedAt = ''] = printed.split('\n');
  await onHost(lab, 'host2', 'docker rm -f bench-app');
  const [begunMs, startedMs] = [Number(begun) / 1e6, Date.parse(startedAt)];
  return { who, totalMs: atMs - begunMs, fromStartMs: atMs - startedMs };
}

/** Milliseconds from the start of `docker run` to the first answer of the container itself, asked at its port on its own host. */
async function measureItself({ lab }: Stage): Promise<number> {
  const printed = await onHost(lab, 'host2', itselfScript);
  await onHost(lab, 'host2', 'docker rm -f bench-app');
  const [begun = '', answered = ''] = printed.split('\n');
  return (Number(answered) - Number(begun)) / 1e6;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + answerMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`no such answer within ${answerMs} ms`);
    await sleep(pollMs);
  }
}

function statusOf(place: { host: string; port: number; header: string }): Promise<number> {
  return new Promise((done) => {
    const options = { host: place.host, port: place.port, headers: { host: place.header }, agent: false };
    const call = request({ ...options, timeout: 1000 }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => done(0));
    call.end();
  });
}

interface Measured {
  readonly all: readonly Measurement[];
  /** See {@link measureItself}. */
  readonly itself: readonly number[];
}

function report({ all, itself }: Measured, programs: Programs, runs: number): Section {
  const of = (who: Who) => all.filter((one) => one.who === who);
  const total = (who: Who) => of(who).map(({ totalMs }) => totalMs);
  const from = (who: Who) => of(who).map(({ fromStartMs }) => fromStartMs);
  const ratio = (other: Who, pick: typeof total, q: number) =>
    quantile(pick('seawall'), q) / quantile(pick(other), q);
  const asked = { is: '<=', than: 0.2 } as const;
  const floor = quantile(itself, 0.5) / quantile(total('chain'), 0.5);
  return {
    title: 'From docker run to the first answered request',
    how: `A container with a published port is started by hand on one host, and a client asks the edge on another one every ${pollMs} ms until it answers from it; ${runs} times each, in turn, with ${restMs / 1000} s between. Beside Seawall: ${programs.registrator === undefined ? 'a stand-in for Registrator' : 'Registrator'} + Consul 1.8.7 + consul-template + nginx 1.30 with the tutorials' template, on the same hosts. Seawall gives a container requests once it has connected to it. The chain does so at once, whether it answers or not, unless the container asks for a check: “as by default” is Registrator's \`SERVICE_80_CHECK_TCP\` with its interval of 10 s, “each second” the shortest that Consul takes. “From its start” leaves out what \`docker run\` itself takes until Docker says that the container runs, which is the same for all. “The container itself” is asked on its own host at its published port, in turns of its own: a proxy can answer no sooner.`,
    ratios: [
      ...everybody
        .filter((who) => who !== 'seawall')
        .flatMap((who) => [
          { what: `median, ours ÷ ${who}`, value: ratio(who, total, 0.5), asked },
          { what: `p95, ours ÷ ${who}`, value: ratio(who, total, 0.95) },
          { what: `from its start: median, ours ÷ ${who}`, value: ratio(who, from, 0.5) },
        ]),
      { what: 'the container itself without any edge ÷ chain: nothing can be quicker', value: floor },
    ],
    tables: [table(total, from, itself)],
    left: programs.missing.map(
      (line) =>
        `${line}: a program of 60 lines stands in for it, which asks Docker and writes to Consul at once and does nothing else.`,
    ),
    raw: { all, itself },
  };
}

type Pick = (who: Who) => number[];

function table(total: Pick, from: Pick, itself: readonly number[]): Table {
  const rows: (string | number)[][] = everybody.map((who) => [
    who,
    ...[total, from]
      .flatMap((pick) => [median(pick(who)), quantile(pick(who), 0.95)])
      .map((ms) => Math.round(ms)),
  ]);
  rows.push(['the container itself', Math.round(median(itself)), Math.round(quantile(itself, 0.95)), '', '']);
  const columns = ['ms', 'median', 'p95', 'from its start: median', 'p95'];
  return { title: 'Milliseconds', columns, rows };
}
