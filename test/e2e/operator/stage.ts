/** What the tests of operators and their accidents share: a lab, small projects on it, and Seawall as a user runs it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { findHost } from '../../../lab/hosts.ts';
import type { Lab } from '../../../lab/lab.ts';
import { labOf, root, until } from '../lab-links.ts';
import type { LoadReport } from '../load/report.ts';
import { type StartLoadOptions, startLoad } from '../load/start.ts';

type Roles = readonly ('app' | 'edge')[];

export interface Finished {
  /** -1: it was killed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Sees each piece of standard error as it comes, with the process: to stop it in the middle. */
  readonly onError?: (text: string, child: ChildProcess) => void;
}

export interface TerminalOptions {
  readonly env?: RunOptions['env'];
  readonly question: RegExp;
  /** What is typed at each question; Ctrl-C at those beyond. */
  readonly answers: readonly (() => Promise<string>)[];
}

export interface AtTerminal {
  readonly code: number;
  readonly screen: string;
}

/** A lab and the hosts of it that projects use. */
export class Stage {
  readonly lab: Lab;
  #roles: Readonly<Record<string, Roles>>;

  private constructor(lab: Lab, roles: Readonly<Record<string, Roles>>) {
    this.lab = lab;
    this.#roles = roles;
  }

  static async open(name: string, roles: Readonly<Record<string, Roles>>): Promise<Stage> {
    return new Stage(await labOf(name, Object.keys(roles).length), roles);
  }

  address(host: string): string {
    return findHost(this.lab, host).address;
  }

  /** The walk as a project of its own name, routed at `NAME.example`; `hosts` other than the stage's where given. */
  project(name = 'walk', hosts: readonly string[] = Object.keys(this.#roles)): Project {
    const folder = join(this.lab.stateDir, 'projects', name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const file of ['app.mjs', 'Dockerfile'])
      cpSync(join(root, 'test/e2e/apps/shop', file), join(folder, file));
    cpSync(join(root, 'test/e2e/apps/walk/compose.yaml'), join(folder, 'compose.yaml'));
    // Another list of hosts is no other image.
    writeFileSync(join(folder, '.dockerignore'), '*.yml\n*.yaml\n');
    const routes = { [`${name}.example`]: { service: 'web', port: 8000, tls: 'off' } };
    writeFileSync(join(folder, 'seawall.yml'), JSON.stringify({ routes }));
    const project = new Project(this, name, folder);
    project.useHosts(hosts);
    return project;
  }

  /** The hosts of `seawall.yml`. */
  settings(hosts: readonly string[]): object {
    const entries = hosts.map((host) => [
      host,
      { ssh: host, address: this.address(host), roles: this.#roles[host] },
    ]);
    return {
      ssh_config: this.lab.sshConfig,
      hosts: Object.fromEntries(entries),
      agent: { build_network: 'host' },
    };
  }

  /** Runs a command line on a host over ssh; the test fails when it does. */
  async onHost(host: string, line: string): Promise<string> {
    const child = spawn('ssh', ['-F', this.lab.sshConfig, host, line], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { code, stdout, stderr } = await ended(child);
    assert.equal(code, 0, `${host}: ${line}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Asks until it is so; a question that fails is asked again. @throws after three minutes */
  until(what: string, ask: () => Promise<boolean>): Promise<void> {
    return until(what, () => ask().catch(() => false), 180_000);
  }

  /** Names of a host's containers, running or not, but Seawall's own. */
  async containers(host: string): Promise<string[]> {
    const names = await this.onHost(host, "docker ps -a --format '{{.Names}}'");
    return names
      .split('\n')
      .filter((name) => name !== '' && !name.startsWith('seawall-'))
      .sort();
  }
}

/** A project on a stage, as its user has it in a folder. */
export class Project {
  readonly stage: Stage;
  readonly name: string;
  readonly folder: string;

  constructor(stage: Stage, name: string, folder: string) {
    this.stage = stage;
    this.name = name;
    this.folder = folder;
  }

  useHosts(hosts: readonly string[]): void {
    writeFileSync(join(this.folder, 'lab.yml'), JSON.stringify(this.stage.settings(hosts)));
  }

  /** Runs `bin/seawall` as the leader of a process group of its own, without a terminal. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const [program, ...rest] = this.#command(args);
    const child = spawn(program, rest, {
      cwd: this.folder,
      env: this.#environment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child.stderr?.on('data', (chunk) => options.onError?.(String(chunk), child));
    return ended(child);
  }

  /** Runs it on a terminal of its own, and gives each question the next answer. */
  async atTerminal(
    args: readonly string[],
    { env, question, answers }: TerminalOptions,
  ): Promise<AtTerminal> {
    const line = this.#command(args).join(' ');
    const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
      cwd: this.folder,
      env: this.#environment(env),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const left = [...answers];
    let screen = '';
    let seen = 0;
    child.stdout.on('data', async (chunk) => {
      screen += chunk;
      const found = question.exec(screen.slice(seen));
      if (found === null) return;
      seen = screen.length;
      child.stdin.write((await left.shift()?.()) ?? '\u0003');
    });
    const { code } = await ended(child);
    return { code, screen };
  }

  /** Files in front: what stands behind a service name belongs to the program that runs there. */
  #command(args: readonly string[]): readonly [string, ...string[]] {
    return [join(root, 'bin/seawall'), '--file', 'seawall.yml', '--file', 'lab.yml', ...args];
  }

  #environment(env: RunOptions['env']): NodeJS.ProcessEnv {
    return { ...process.env, NO_COLOR: '1', PROJECT: this.name, ...env };
  }

  /** The same as `run`; the test fails with its output unless it ends with `code`. */
  async expect(code: number, args: readonly string[], env: RunOptions['env'] = {}): Promise<Finished> {
    const finished = await this.run(args, { env });
    const { stdout, stderr } = finished;
    assert.equal(finished.code, code, `${this.name}: seawall ${args.join(' ')}\n${stdout}\n${stderr}`);
    return finished;
  }

  /** Versions that answer ten requests at an edge. */
  async served(edge: string): Promise<string[]> {
    const versions = new Set<string>();
    for (let count = 0; count < 10; count += 1) versions.add(await this.#version(this.stage.address(edge)));
    return [...versions].sort();
  }

  async #version(address: string): Promise<string> {
    return new Promise((done, fail) => {
      const headers = { host: `${this.name}.example` };
      const call = request({ host: address, headers, agent: false, timeout: 5000 }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        const { statusCode = 0 } = response;
        done(statusCode === 200 ? (JSON.parse(body) as { version: string }).version : `status ${statusCode}`);
      });
      call.on('timeout', () => call.destroy(new Error('no answer within 5 s')));
      call.on('error', fail);
      call.end();
    });
  }

  /** Does `work` under load on an edge and gives what the client saw; the load ends whatever happens. */
  async underLoad(
    edge: string,
    work: () => Promise<void>,
    options: Partial<StartLoadOptions> = {},
  ): Promise<LoadReport> {
    const url = `http://${this.stage.address(edge)}`;
    const mix = 'get=70,idle=5,post=20,slow=5';
    const load = startLoad({
      url,
      hostHeader: `${this.name}.example`,
      rate: 20,
      seconds: 1800,
      mix,
      ...options,
    });
    try {
      await work();
    } catch (error) {
      await load.stop();
      throw error;
    }
    return load.stop();
  }
}

/** Ends a whole process group without asking it. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, 'SIGKILL');
}

/** What a terminal does to a command and all that it started when its user types Ctrl-C. */
export function interruptGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGINT');
}

function ended(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}
