import { setTimeout as sleep } from 'node:timers/promises';
import { onHost, usageOf } from '../command.ts';
import type { Section } from '../result.ts';
import type { Stage } from '../stage.ts';

export interface AgentBenchOptions {
  readonly stage: Stage;
  /** Containers on the host, rising. */
  readonly counts: readonly number[];
  /** Seconds over which CPU is counted. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

interface Measurement {
  readonly containers: number;
  readonly program: string;
  readonly memoryMb: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

const host = 'host3';
/** On the host under test, and the one with the catalog and the edge. */
const programs = [
  { host, container: 'seawall-agent' },
  { host, container: 'seawall-server' },
  { host: 'host1', container: 'seawall-agent' },
  { host: 'host1', container: 'seawall-server' },
] as const;
const settledMs = 20_000;

/** What Seawall's programs use on a host where nothing happens, with few and with many containers on it. */
export async function benchAgent(options: AgentBenchOptions): Promise<Section> {
  const { stage, counts, seconds, say } = options;
  const project = stage.project('idle');
  await project.seawall(['deploy', '--yes']);
  const all: Measurement[] = [];
  try {
    await onHost(stage.lab, host, makePauseImage);
    let present = 0;
    for (const count of counts) {
      await onHost(stage.lab, host, startScript, `${present} ${count}\n`);
      present = count;
      say(`agent: ${count} containers on ${host}`);
      // What came with the start is over: verdicts are in, the next listings found nothing new.
      await sleep(settledMs);
      all.push(...(await measure(stage, count, seconds)));
    }
  } finally {
    await onHost(
      stage.lab,
      host,
      'docker ps -aq --filter name=^bench-idle- | xargs -r docker rm -f >/dev/null',
    );
    await project.seawall(['down', '--yes', '--volumes']);
  }
  return report(all, options);
}

/** The smallest image there is: busybox's or dash's `sleep` with its libraries would be none, so that it is taken from the host. */
const makePauseImage = `docker image inspect bench-pause >/dev/null 2>&1 && exit 0
cd "$(mktemp -d)"
for file in /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*'); do mkdir -p ".$(dirname "$file")" && cp -L "$file" ".$file"; done
tar -c . | docker import --change 'ENTRYPOINT ["/bin/sleep"]' --change 'CMD ["86400"]' - bench-pause >/dev/null`;

const startScript = `read -r present count
seq -w "$((present + 1))" "$count" | xargs -r -P 4 -I N docker run -d --network none --name bench-idle-N bench-pause >/dev/null`;

async function measure({ lab }: Stage, containers: number, seconds: number): Promise<Measurement[]> {
  const look = () =>
    Promise.all(programs.map(({ host: where, container }) => usageOf(lab, where, container)));
  const before = await look();
  const startedMs = performance.now();
  await sleep(seconds * 1000);
  const after = await look();
  const tookNs = (performance.now() - startedMs) * 1e6;
  return programs.map(({ host: where, container }, index) => ({
    containers,
    program: `${container} on ${where}`,
    memoryMb: (after[index]?.memoryBytes ?? Number.NaN) / 1e6,
    cpuPercent: (((after[index]?.cpuNs ?? 0) - (before[index]?.cpuNs ?? 0)) / tookNs) * 100,
  }));
}

function report(all: readonly Measurement[], { counts, seconds }: AgentBenchOptions): Section {
  const rows = all.map(({ containers, program, memoryMb, cpuPercent }) => [
    program,
    containers,
    memoryMb.toFixed(0),
    cpuPercent.toFixed(2),
  ]);
  return {
    title: 'Agent: memory and CPU at rest',
    how: `A cluster of three hosts on which nothing happens; on ${host} ${counts.join(' and then ')} containers that only sleep are started beside Seawall's own. CPU from the control groups over ${seconds} s, 100 % being one core; memory without page cache. ${host} runs replicas, host1 the catalog and the edge.`,
    ratios: [],
    tables: [{ title: 'At rest', columns: ['program', 'containers', 'memory MB', 'CPU %'], rows }],
    left: [],
    raw: all,
  };
}
