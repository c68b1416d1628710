/** A deployed app in the hands of a user: Seawall's commands in its folder, and requests through the edge. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { join, resolve } from 'node:path';

export { until } from '../until.ts';

const root = resolve(import.meta.dirname, '../..');

export interface AppFiles {
  readonly folder: string;
  /** The files for `--file`. */
  readonly files: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether another status than 2xx or 3xx is what is asked for. */
  readonly mayFail?: boolean;
  /** Gets the body as it arrives. */
  readonly onPiece?: (piece: string) => void;
}

interface Replica {
  readonly service: string;
  readonly replica: number;
  readonly kind: string;
  readonly state: string;
  readonly host: string;
  readonly address: string;
  readonly container: string;
}

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class App {
  readonly domain: string;
  readonly folder: string;
  readonly #name: string;
  readonly #edge: string;
  readonly #files: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #deploys: number[] = [];
  #requests = 0;
  #failed = 0;

  constructor(name: string, edge: string, files: AppFiles, env: Readonly<Record<string, string>>) {
    this.#name = name;
    this.domain = `${name}.example`;
    this.#edge = edge;
    this.folder = files.folder;
    this.#files = files.files.flatMap((file) => ['--file', file]);
    this.#env = env;
  }

  /** `seawall deploy --yes`, which must succeed; what it printed. */
  async deploy(env: Readonly<Record<string, string>> = {}): Promise<string> {
    const start = performance.now();
    const { stdout } = await this.expect(0, ['deploy', '--yes'], env);
    this.#deploys.push(performance.now() - start);
    return stdout;
  }

  /** Runs `bin/seawall` as a process of its own, as a user does. */
  async seawall(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
    const child = spawn(join(root, 'bin/seawall'), [...this.#files, ...args], {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1', ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    return new Promise((done, fail) => {
      child.on('error', fail);
      child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
    });
  }

  /** The same, and the test fails with its output unless it ends with `code`. */
  async expect(
    code: number,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Finished> {
    const finished = await this.seawall(args, env);
    const { stdout, stderr } = finished;
    assert.equal(finished.code, code, `${this.#name}: seawall ${args.join(' ')}\n${stdout}\n${stderr}`);
    return finished;
  }

  /** The replicas that `seawall ps` shows, of one service or of all. */
  async replicas(service?: string): Promise<readonly Replica[]> {
    const { stdout } = await this.expect(0, ['ps', '--json']);
    const { replicas } = JSON.parse(stdout) as { replicas: readonly Replica[] };
    return replicas.filter((each) => each.kind === 'replica' && (service ?? each.service) === each.service);
  }

  /** One request through the edge; another status than 2xx or 3xx fails the test unless it is asked for. */
  async ask(path: string, asked: Asked = {}): Promise<Answer> {
    this.#requests++;
    const answer = await send(this.#edge, path, {
      ...asked,
      headers: { host: this.domain, ...asked.headers },
    });
    if (asked.mayFail !== true && answer.status >= 400) {
      this.#failed++;
      const what = `${asked.method ?? 'GET'} ${this.domain}${path}`;
      assert.fail(`${what}: ${answer.status} ${answer.body.slice(0, 500)}`);
    }
    return answer;
  }

  /** The body of an answer as JSON; `sent` goes as JSON too. */
  async json<T>(path: string, method = 'GET', sent?: unknown): Promise<T> {
    const json =
      sent === undefined
        ? {}
        : { body: JSON.stringify(sent), headers: { 'content-type': 'application/json' } };
    return JSON.parse((await this.ask(path, { method, ...json })).body) as T;
  }

  /** One line of figures. */
  async summary(): Promise<string> {
    const replicas = await this.replicas();
    const count = (what: keyof Replica): number => new Set(replicas.map((each) => each[what])).size;
    const deploys = this.#deploys.map((ms) => (ms / 1000).toFixed(1)).join(' s, again ');
    return `${this.#name}: deployed in ${deploys} s, ${replicas.length} replicas of ${count('service')} services on ${count('host')} hosts, ${this.#requests} requests, ${this.#failed} failed`;
  }
}

function send(host: string, path: string, asked: Asked): Promise<Answer> {
  const { method = 'GET', headers = {}, body: sent, onPiece } = asked;
  return new Promise((done, fail) => {
    const call = request({ host, path, method, headers, agent: false, timeout: 20_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
        onPiece?.(chunk);
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on('error', fail);
    });
    call.on('timeout', () => call.destroy(new Error('no answer within 20 s')));
    call.on('error', fail);
    call.end(sent);
  });
}
