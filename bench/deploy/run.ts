import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../lab/command.ts';
import { onHost } from '../command.ts';
import type { Ratio, Section } from '../result.ts';
import type { Project, Stage } from '../stage.ts';
import { startRegistry } from './registry.ts';
import { appHosts, changeApp, composeWay, seawallWay, stackWay, type Way } from './ways.ts';

export interface DeployBenchOptions {
  readonly stage: Stage;
  /** Size of the layer that does not change. */
  readonly megabytes: number;
  readonly say: (line: string) => void;
}

interface Measurement {
  readonly way: string;
  readonly changedSeconds: number;
  /** What the hosts received over their cable, each counted, during the changed deploy. */
  readonly changedBytes: number;
  /** What they received in the same time while nothing was deployed. */
  readonly restBytes: number;
  /** What of it were images, where the program says so. */
  readonly imageBytes?: number;
  readonly sameSeconds: number;
}

const hosts = ['host1', ...appHosts] as const;
/** Seconds over which the traffic without a deploy is measured. */
const restSeconds = 20;
/** Bytes of the layer that changes. */
const changed = 1_000_000;

/** Deploys of a changed and of an unchanged image to four replicas on two hosts: time, and bytes over the hosts' cables. */
export async function benchDeploy({ stage, megabytes, say }: DeployBenchOptions): Promise<Section> {
  const project = stage.project('big');
  await fill(join(project.folder, 'big.bin'), megabytes);
  const endRegistry = await startRegistry(stage, appHosts);
  const found: Measurement[] = [];
  const left: string[] = [];
  try {
    for (const way of [seawallWay(project), stackWay(stage, project), composeWay(stage, project)]) {
      try {
        found.push(await measure(stage, project, way));
        say(`deploy: ${way.name} measured`);
      } catch (error) {
        left.push(`${way.name} could not be measured: ${error instanceof Error ? error.message : error}`);
      } finally {
        await way.remove();
      }
    }
  } finally {
    await endRegistry();
    await removeImages();
  }
  return report(found, left, megabytes);
}

/** What was built here: 400 MB that nobody needs any more. */
async function removeImages(): Promise<void> {
  const names = ['localhost:5555/big', 'seawall/big-web'].flatMap((name) => [
    '--filter',
    `reference=${name}`,
  ]);
  const ids = await runCommand('docker', ['images', '--quiet', ...names]);
  const unique = [...new Set(ids.split('\n').filter(Boolean))];
  if (unique.length > 0) await runCommand('docker', ['image', 'rm', '--force', ...unique]);
}

async function measure(stage: Stage, project: Project, way: Way): Promise<Measurement> {
  await changeApp(project);
  await way.prepare();
  await way.deploy();
  const atRest = await received(stage);
  await sleep(restSeconds * 1000);
  const restPerSecond = ((await received(stage)) - atRest) / restSeconds;
  await changeApp(project);
  const before = await received(stage);
  const { seconds: changedSeconds, result: imageBytes } = await timed(way.deploy);
  const changedBytes = (await received(stage)) - before;
  const { seconds: sameSeconds } = await timed(way.deploy);
  const own = imageBytes === undefined ? {} : { imageBytes };
  const restBytes = restPerSecond * changedSeconds;
  return { way: way.name, changedSeconds, changedBytes, restBytes, ...own, sameSeconds };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly result: T }> {
  const startedMs = performance.now();
  const result = await work();
  return { seconds: (performance.now() - startedMs) / 1000, result };
}

/** Bytes that all hosts received on their cables since they were started. */
async function received({ lab }: Stage): Promise<number> {
  const counts = await Promise.all(
    hosts.map((host) => onHost(lab, host, 'cat /sys/class/net/eth0/statistics/rx_bytes')),
  );
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

/** Bytes that nothing can compress and no layer holds yet. */
async function fill(file: string, megabytes: number): Promise<void> {
  async function* chunks() {
    for (let done = 0; done < megabytes; done++) yield randomBytes(1_000_000);
  }
  await pipeline(chunks(), createWriteStream(file));
}

function report(found: readonly Measurement[], left: readonly string[], megabytes: number): Section {
  const [ours, ...others] = found;
  const ratios: Ratio[] = [];
  if (ours !== undefined) {
    const layers = appHosts.length * changed;
    const asked = { is: '<=', than: 1.1 } as const;
    const all = (ours.changedBytes - ours.restBytes) / layers;
    ratios.push(
      {
        what: 'seawall: bytes of images moved ÷ changed layer on two hosts',
        value: (ours.imageBytes ?? Number.NaN) / layers,
        asked,
      },
      { what: 'seawall: all bytes on the cables beyond those at rest ÷ the same', value: all },
    );
    for (const other of others) {
      ratios.push(
        {
          what: `changed image: seconds, ours ÷ ${other.way}`,
          value: ours.changedSeconds / other.changedSeconds,
        },
        {
          what: `nothing changed: seconds, ours ÷ ${other.way}`,
          value: ours.sameSeconds / other.sameSeconds,
        },
      );
    }
  }
  const mb = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(2));
  const rows = found.map((one) => [
    one.way,
    one.changedSeconds.toFixed(1),
    mb(one.imageBytes),
    mb(one.changedBytes),
    mb(one.restBytes),
    one.sameSeconds.toFixed(1),
  ]);
  return {
    title: 'Deploy: time and bytes',
    how: `An image of ${megabytes} MB of which 1 MB changes is built here and brought to four replicas on two hosts. Seawall sends it over ssh; Swarm and Compose pull it from a registry on this machine through ssh. Bytes of images are what \`seawall deploy --json\` counts on its streams, uploaded and from host to host. Bytes on the cables are what all three hosts received, everything counted: image, commands, health checks, signs of life; beside them what the cables carry in the same time with the application running and no deploy, measured over ${restSeconds} s. Only Seawall waits until an edge serves the new replicas and drains the old ones; Swarm runs without its load balancer (no IPVS in this kernel); Compose stops the old replicas first. One run of each.`,
    ratios,
    tables: [
      {
        title: 'Deploys',
        columns: [
          '',
          'changed: seconds',
          'MB of images',
          'MB on the cables',
          'MB at rest',
          'nothing changed: seconds',
        ],
        rows,
      },
    ],
    left,
    raw: found,
  };
}
