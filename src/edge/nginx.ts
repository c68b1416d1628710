import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SeawallError } from '../errors.ts';
import { ContainerShell, type Docker, isConflict, isNotFound } from '../hosts/index.ts';
import { type EdgeCapabilities, leastCapabilities, readCapabilities } from './capabilities.ts';
import {
  currentGeneration,
  type Generation,
  makeCurrent,
  nextGeneration,
  pruneGenerations,
  removeBetween,
  removeGeneration,
  writeGeneration,
} from './generations.ts';
import { pause } from './pause.ts';
import { reloadScript } from './reload-script.ts';
import { getFromSocket } from './status-socket.ts';
import { parseWorkers, type SocketRules, type Worker, workersScript } from './workers.ts';

export interface NginxOptions {
  readonly docker: Pick<Docker, 'exec' | 'execInteractive' | 'killContainer' | 'inspectContainer'>;
  /** Name of the edge container. */
  readonly container: string;
  /** Folder of generations, socket and logs; the same in the container and here. */
  readonly edgePath: string;
  readonly sockets: SocketRules;
  /** What an earlier run of the loop found. */
  readonly capabilities?: EdgeCapabilities;
}

/** Milliseconds for nginx to read a tested configuration and start its workers. */
const reloadTimeoutMs = 15_000;
/** Milliseconds between two questions which generation is served. */
const confirmEveryMs = 10;
const socketTimeoutMs = 2_000;
const execTimeoutMs = 20_000;
/** Milliseconds without an nginx after which the next one may be another, with less to it. */
const forgottenAfterMs = 10_000;

/** The nginx of one edge container: what it runs, what its workers hold, and how it gets another configuration. */
export class NginxControl {
  readonly #options: NginxOptions;
  /** Two, because a test and a look go on side by side. */
  readonly #tester: ContainerShell;
  readonly #looker: ContainerShell;
  #capabilities: EdgeCapabilities;
  /** The start of nginx that was asked for them. */
  #askedOf: string | undefined;
  #absentSince: number | undefined;

  constructor(options: NginxOptions) {
    const { docker, container } = options;
    const programs = { test: 'nginx -t -q -c "$1"', reload: reloadScript };
    this.#options = options;
    this.#tester = new ContainerShell({ docker, container, programs });
    this.#looker = new ContainerShell({ docker, container, programs: { workers: workersScript } });
    this.#capabilities = options.capabilities ?? leastCapabilities;
  }

  /** What nginx can do: asked once for each of its starts. While there is none, what the last one could, but not for ever. */
  async capabilities(signal: AbortSignal): Promise<EdgeCapabilities> {
    const { docker, container, edgePath } = this.#options;
    const socket = await stat(join(edgePath, 'status.sock')).catch(() => undefined);
    // A reload hands the socket on; a start makes another.
    const start = socket === undefined ? undefined : `${socket.ino}:${socket.ctimeMs}`;
    if (start !== undefined && start === this.#askedOf) return this.#capabilities;
    try {
      if (start !== undefined && (await this.isRunning(signal))) {
        const options = { signal, timeoutMs: execTimeoutMs };
        const { stdout, stderr } = await docker.exec(container, ['nginx', '-V'], options);
        this.#capabilities = readCapabilities(`${stdout}\n${stderr}`);
        this.#askedOf = start;
        this.#absentSince = undefined;
        return this.#capabilities;
      }
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    this.#absentSince ??= performance.now();
    if (performance.now() - this.#absentSince > forgottenAfterMs) this.#capabilities = leastCapabilities;
    return this.#capabilities;
  }

  /** What nginx reads at its next start; undefined: nothing was ever written. */
  current(): Promise<Generation | undefined> {
    return currentGeneration(this.#options.edgePath);
  }

  nextNumber(): Promise<number> {
    return nextGeneration(this.#options.edgePath);
  }

  /** Generation that nginx serves; undefined when it does not answer. */
  async running(signal?: AbortSignal): Promise<number | undefined> {
    const path = join(this.#options.edgePath, 'status.sock');
    const limits = { timeoutMs: socketTimeoutMs, ...(signal === undefined ? {} : { signal }) };
    const answer = await getFromSocket(path, '/generation', limits);
    return answer !== undefined && /^\d+$/.test(answer) ? Number(answer) : undefined;
  }

  /**
   * Gives nginx a configuration: written, tested by the edge container's own nginx, made current, read, confirmed. When one
   * of these fails, the previous configuration is current again and serves on.
   * @param meanwhile is done beside the test, and before nginx can serve anything new; its failure counts as one.
   * @returns `running`, or `written` when no nginx runs that could test and read it: it will at its start.
   * @throws SeawallError `refused` (nginx -t), `timeout` (not confirmed), `docker`.
   */
  async apply(
    wanted: Generation,
    signal: AbortSignal,
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<'running' | 'written'> {
    const { edgePath } = this.#options;
    const before = await this.current();
    const path = await writeGeneration(edgePath, wanted);
    const isRunning = await this.isRunning(signal);
    // Side by side: each is a program started in the container, and whoever waits for a new replica waits for both.
    const outcomes = await Promise.allSettled([
      isRunning ? this.#test(path, signal) : undefined,
      meanwhile(),
    ]);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) {
      await removeGeneration(edgePath, wanted.generation);
      throw failure.reason;
    }
    await makeCurrent(edgePath, wanted.generation);
    if (!isRunning) return 'written';
    try {
      await this.reload(wanted.generation, signal);
    } catch (error) {
      // A restarted container must not start with what a running one did not take.
      if (before !== undefined && !signal.aborted) await this.#goBack(before, wanted);
      throw error;
    }
    await pruneGenerations(edgePath, wanted.generation);
    return 'running';
  }

  /**
   * The one that was tried stays until the next try: nginx may come to serve it late, and its number must not stand for
   * another text then.
   */
  async #goBack(before: Generation, tried: Generation): Promise<void> {
    const { edgePath } = this.#options;
    await makeCurrent(edgePath, before.generation);
    await removeBetween(edgePath, before.generation, tried.generation);
  }

  /** Has nginx read what is current and waits until it serves `generation`. */
  async reload(generation: number, signal: AbortSignal): Promise<void> {
    const { exitCode } = await this.#tester.run('reload', '', { signal, timeoutMs: execTimeoutMs });
    if (exitCode !== 0)
      await this.#options.docker.killContainer(this.#options.container, 'SIGHUP', { signal });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(reloadTimeoutMs)]);
    while (!limit.aborted) {
      if ((await this.running(limit)) === generation) return;
      await pause(confirmEveryMs, limit);
    }
    signal.throwIfAborted();
    throw new SeawallError('timeout', `nginx does not serve generation ${generation} after its reload`, {
      where: this.#options.container,
      hint: `What it says: docker logs --tail 20 ${this.#options.container}`,
    });
  }

  async isRunning(signal: AbortSignal): Promise<boolean> {
    try {
      const { State } = await this.#options.docker.inspectContainer(this.#options.container, { signal });
      return State.Status === 'running';
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Ends what is kept running in the container for questions. */
  close(): void {
    this.#tester.close();
    this.#looker.close();
  }

  /** All workers of the container; undefined when it does not run. */
  async workers(signal: AbortSignal): Promise<readonly Worker[] | undefined> {
    try {
      const { output } = await this.#looker.run('workers', '', { signal, timeoutMs: execTimeoutMs });
      return parseWorkers(output, this.#options.sockets);
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return undefined;
      throw error;
    }
  }

  /** Ends workers at once: what they hold is cut. */
  async endWorkers(workers: readonly Worker[], signal: AbortSignal): Promise<void> {
    const argv = ['sh', '-c', 'kill -TERM "$@"', 'sh', ...workers.map((worker) => String(worker.pid))];
    await this.#options.docker.exec(this.#options.container, argv, { signal, timeoutMs: execTimeoutMs });
  }

  /** Has nginx open its log files anew, after they were renamed. */
  async reopenLogs(signal: AbortSignal): Promise<void> {
    await this.#options.docker.killContainer(this.#options.container, 'SIGUSR1', { signal });
  }

  async #test(path: string, signal: AbortSignal): Promise<void> {
    const { exitCode, output } = await this.#tester.run('test', path, { signal, timeoutMs: execTimeoutMs });
    if (exitCode === 0) return;
    throw new SeawallError('refused', `nginx does not accept the new configuration: ${output.trim()}`, {
      where: this.#options.container,
      hint: 'The previous configuration serves on. This is a mistake in Seawall, or a port that somebody else has.',
    });
  }
}
