import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { requireProgram } from './apt.ts';
import { runCommand } from './command.ts';
import type { Say } from './progress.ts';

/** Docker Engine as a Go module; Debian has none newer than 28. Its API reaches to 1.56, as that of Engine 29.7 and newer. */
const module = 'github.com/moby/moby/v2';
export const newestEngine = { version: 'v2.0.0-beta.24', major: 29 } as const;
const buildTimeoutMs = 1_800_000;

/**
 * Builds `dockerd` of Engine 29 from the Go module proxy, or gives the one that was built before. Needs Go 1.25 or newer on this
 * machine; some minutes on two cores.
 * @returns path of the program.
 */
export async function buildNewestEngine(say: Say): Promise<string> {
  const folder = join(homedir(), '.cache/seawall-lab');
  const program = join(folder, `dockerd-${newestEngine.version}`);
  if (existsSync(program)) return program;
  await requireProgram('go', ['golang-go'], say);
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, `scratch-${process.pid}-`));
  try {
    say(`Building dockerd ${newestEngine.version} …`);
    const env = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOWORK: 'off' };
    const go = (args: readonly string[]) =>
      runCommand('go', args, { cwd: scratch, env, timeoutMs: buildTimeoutMs });
    await writeFile(join(scratch, 'go.mod'), 'module lab\n');
    await go(['get', `${module}/cmd/dockerd@${newestEngine.version}`]);
    const label = `-s -w -X ${module}/dockerversion.Version=${newestEngine.major}.0.0-${newestEngine.version}`;
    await go(['build', '-ldflags', label, '-o', 'dockerd', `${module}/cmd/dockerd`]);
    await rename(join(scratch, 'dockerd'), program);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return program;
}
