/** A project of the stage as its user has it in a folder, and what its visitors see. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../../lab/lab.ts';
import { root } from '../lab-links.ts';
import type { LoadReport } from '../load/report.ts';
import { type RunningLoad, type StartLoadOptions, startLoad } from '../load/start.ts';
import type { Finished } from './host.ts';

/** host1 and host3 are edges, host2 (Engine 20.10) runs the replicas. */
export const EDGES = ['host1', 'host3'] as const;
const ROLES = { host1: ['edge'], host2: ['app'], host3: ['edge'] } as const;

/** What a project needs of the stage that it stands on. */
interface Place {
  readonly lab: Lab;
  readonly folder: string;
  /** Addresses of the edges. */
  readonly edges: readonly string[];
  address(host: string): string;
  write(name: string, text: string): string;
  issuers(): readonly object[];
}

export interface ProjectOptions {
  readonly name: string;
  /** Domain → what stands beside service and port, such as `{ tls: 'internal' }`. */
  readonly routes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Top-level `tls:`; the stage's ACME servers by default. */
  readonly tls?: Readonly<Record<string, unknown>>;
  readonly edge?: Readonly<Record<string, unknown>>;
  readonly metrics?: Readonly<Record<string, unknown>>;
  /** Hosts with the role `edge`. */
  readonly edges?: readonly string[];
}

export class Project {
  readonly stage: Place;
  readonly name: string;
  readonly folder: string;
  #isDeployed = false;

  constructor(stage: Place, options: ProjectOptions) {
    this.stage = stage;
    this.name = options.name;
    this.folder = join(stage.folder, options.name);
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    for (const file of ['app.mjs', 'Dockerfile'])
      cpSync(join(root, 'test/e2e/apps/shop', file), join(this.folder, file));
    writeFileSync(join(this.folder, '.dockerignore'), '*\n!app.mjs\n');
    cpSync(join(root, 'test/e2e/tls/app/compose.yaml'), join(this.folder, 'compose.yaml'));
    this.use(options);
  }

  /** Writes seawall.yml anew. */
  use(options: Omit<ProjectOptions, 'name'>): void {
    const { routes, tls, edge, metrics, edges = EDGES } = options;
    const hosts = Object.entries(ROLES).filter(
      ([host, roles]) => (edges as readonly string[]).includes(host) || roles[0] === 'app',
    );
    const settings = {
      ssh_config: this.stage.lab.sshConfig,
      hosts: Object.fromEntries(
        hosts.map(([host, roles]) => [host, { ssh: host, address: this.stage.address(host), roles }]),
      ),
      routes: Object.fromEntries(
        Object.entries(routes).map(([domain, more]) => [domain, { service: 'web', port: 8000, ...more }]),
      ),
      tls: tls ?? { email: 'ops@example.net', issuers: this.stage.issuers() },
      ...(edge === undefined ? {} : { edge }),
      ...(metrics === undefined ? {} : { metrics }),
      agent: { build_network: 'host' },
    };
    writeFileSync(join(this.folder, 'seawall.yml'), `${JSON.stringify(settings, undefined, 2)}\n`);
  }

  /** Runs `bin/seawall` as a process of its own, as a user does. */
  run(
    args: readonly string[],
    options: {
      readonly env?: Readonly<Record<string, string>>;
      readonly onOutput?: (text: string) => void;
    } = {},
  ): Promise<Finished> {
    const child = spawn(join(root, 'bin/seawall'), args, {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1', PROJECT: this.name, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return ended(child, options.onOutput);
  }

  /** The same; the test fails with its output unless it ends with `code`. */
  async expect(
    code: number,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Finished> {
    const finished = await this.run(args, { env });
    const { stdout, stderr } = finished;
    assert.equal(finished.code, code, `${this.name}: seawall ${args.join(' ')}\n${stdout}\n${stderr}`);
    return finished;
  }

  /** `seawall deploy --yes`, which must succeed; what it printed. */
  async deploy(env: Readonly<Record<string, string>> = {}): Promise<string> {
    this.#isDeployed = true;
    const { stdout, stderr } = await this.expect(0, ['deploy', '--yes'], env);
    return stdout + stderr;
  }

  /** What a command prints as JSON. */
  async json<T>(args: readonly string[], code = 0): Promise<T> {
    return JSON.parse((await this.expect(code, [...args, '--json'])).stdout) as T;
  }

  async down(): Promise<void> {
    if (this.#isDeployed && process.env.SEAWALL_KEEP_LAB === undefined)
      await this.run(['down', '--yes', '--volumes']);
  }

  /** Starts a load over HTTPS that goes to all edges, and trusts these CAs. */
  load(domain: string, trust: string, options: Partial<StartLoadOptions> = {}): RunningLoad {
    const [first = '', ...also] = this.stage.edges;
    return startLoad({
      url: `https://${first}`,
      also,
      hostHeader: domain,
      trust: this.stage.write(`${this.name}-trust.pem`, trust),
      rate: 60,
      seconds: 1800,
      fresh: 0.1,
      mix: 'get=50,idle=5,post=15,slow=3,h2=27',
      ...options,
    });
  }

  /** Does `work` under load and gives what the client saw; the load ends whatever happens. */
  async underLoad(
    domain: string,
    trust: string,
    work: (load: RunningLoad) => Promise<void>,
    options: Partial<StartLoadOptions> = {},
  ): Promise<LoadReport> {
    const load = this.load(domain, trust, options);
    try {
      await work(load);
    } catch (error) {
      await load.stop();
      throw error;
    }
    return load.stop();
  }
}

function ended(child: ChildProcess, onOutput?: (text: string) => void): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
    onOutput?.(stdout + stderr);
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
    onOutput?.(stdout + stderr);
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}
