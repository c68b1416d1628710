import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerInfo, type HostLink, isNotFound } from '../hosts/index.ts';
import { crashOf, lastExitCode } from './exit-code.ts';
import { describeFailure, ReplicaFailure } from './failure.ts';
import type { NewReplica } from './replica.ts';

const LOOK_EVERY_MS = 1_000;

/** A new replica during its `monitor` time. */
export interface Watch {
  /** Set once it has died. */
  readonly failure: ReplicaFailure | undefined;
}

/** Watches replicas after they became healthy: one that dies within the service's `monitor` has failed after all. */
export class Monitor {
  readonly #signal: AbortSignal;
  readonly #watching = new Set<Promise<void>>();

  /** @param signal ends all watching; what happens afterwards is nobody's failure. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  watch(
    host: HostLink,
    made: NewReplica,
    monitorMs: number,
    onFailure: (failure: ReplicaFailure) => void,
  ): Watch {
    const watch: { failure: ReplicaFailure | undefined } = { failure: undefined };
    const watching = this.#follow(host, made, performance.now() + monitorMs).then((failure) => {
      this.#watching.delete(watching);
      if (failure === undefined || this.#signal.aborted) return;
      watch.failure = failure;
      onFailure(failure);
    });
    this.#watching.add(watching);
    return watch;
  }

  /** Resolves when every replica's time is over. */
  async settled(): Promise<void> {
    while (this.#watching.size > 0) await Promise.all(this.#watching);
  }

  /** Looks until the time is over, and once more then. A host that does not answer says nothing about its replica. */
  async #follow(host: HostLink, made: NewReplica, until: number): Promise<ReplicaFailure | undefined> {
    for (;;) {
      const isOver = performance.now() >= until;
      try {
        const info = await host.docker.inspectContainer(made.id, { signal: this.#signal });
        const failure = await deathOf(host, made, info, this.#signal);
        if (failure !== undefined || isOver || isWatchedAlready(made, info)) return failure;
        const restMs = Math.max(0, until - performance.now());
        await sleep(Math.min(LOOK_EVERY_MS, restMs), undefined, { signal: this.#signal });
      } catch (error) {
        if (this.#signal.aborted || isOver) return undefined;
        if (isNotFound(error)) return new ReplicaFailure(made, 'it was removed by somebody else', '');
        await sleep(LOOK_EVERY_MS);
      }
    }
  }
}

/** Without any check a replica counts as healthy only after it ran for its monitor time. */
const isWatchedAlready = (
  { service }: NewReplica,
  { Config: { Healthcheck: own } }: ContainerInfo,
): boolean => service.health.kind === 'running' && (!own?.Test || own.Test[0] === 'NONE');

async function deathOf(
  host: HostLink,
  made: NewReplica,
  info: ContainerInfo,
  signal: AbortSignal,
): Promise<ReplicaFailure | undefined> {
  const what =
    crashOf(info, await lastExitCode(host.docker, info, signal)) ??
    (info.State.Health?.Status === 'unhealthy' ? 'its health check fails' : undefined);
  if (what === undefined) return undefined;
  const failure = new ReplicaFailure(made, `${what} soon after it became healthy`, '');
  failure.report = await describeFailure(failure, host, signal);
  return failure;
}
