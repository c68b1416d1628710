import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, tryCommand } from '../../lab/command.ts';
import { consulProgram } from '../../test/e2e/real-consul.ts';

/** What Seawall's registrar, catalog and edge replace, as far as it can be had. */
export interface Programs {
  readonly consul: string;
  readonly consulTemplate: string | undefined;
  /** Absent: `go install` does not give it here; what it answered. */
  readonly registrator: string | undefined;
  /** Why one is missing. */
  readonly missing: readonly string[];
}

const goCache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'seawall', 'go-bin');
const goMs = 600_000;

/** Fetches Consul from Debian bullseye and the others with `go install`; kept for later runs. */
export async function fetchPrograms(): Promise<Programs> {
  const missing: string[] = [];
  const install = async (module: string): Promise<string | undefined> => {
    const program = join(goCache, module.split('/').at(-1) ?? '');
    if (existsSync(program)) return program;
    await mkdir(goCache, { recursive: true });
    const env = { GOBIN: goCache, CGO_ENABLED: '0' };
    const { code, stderr } = await tryCommand('go', ['install', `${module}@latest`], {
      env,
      timeoutMs: goMs,
    });
    if (code === 0) return program;
    missing.push(`\`go install ${module}@latest\`: ${stderr.trim().split('\n').at(-1)?.trim() ?? ''}`);
    return undefined;
  };
  const consulTemplate = await install('github.com/hashicorp/consul-template');
  const registrator = await install('github.com/gliderlabs/registrator');
  return { consul: await consulProgram(), consulTemplate, registrator, missing };
}

/** An image of nginx with the programs in `/usr/local/bin`. */
export async function buildChainImage(programs: Programs): Promise<string> {
  const image = 'seawall-bench/chain:1';
  const context = await mkdtemp(join(tmpdir(), 'seawall-bench-'));
  try {
    const files = [programs.consul, programs.consulTemplate, programs.registrator].filter(
      (file) => file !== undefined,
    );
    for (const file of files) await runCommand('cp', [file, context]);
    const names = files.map((file) => file.split('/').at(-1));
    const text = `FROM nginx:1.30\nCOPY ${names.join(' ')} /usr/local/bin/\n`;
    await runCommand('docker', ['build', '--tag', image, '--file', '-', context], {
      input: text,
      env: { DOCKER_BUILDKIT: '0' },
    });
    return image;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
