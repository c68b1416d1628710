/** A model of hosts on which a plan's steps are done as `src/rollout/` does them, one visible change at a time. */
import { createHash } from 'node:crypto';
import type { Desired, DesiredService } from '../src/compose/desired.ts';
import {
  type Actual,
  type ActualHost,
  type ActualReplica,
  configHash,
  type Move,
  type OldReplica,
  type Plan,
  type Step,
} from '../src/plan/index.ts';
import { routeKey } from '../src/route-port.ts';
import { writesOf } from './plan-samples.ts';

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** At most so many services roll at a time, as in `src/rollout/execute.ts`. */
const SERVICES_AT_ONCE = 3;
const STARTS_AT_ONCE = 4;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Container = Mutable<ActualReplica>;

/** A piece of work that yields after each visible change, or what it waits for. */
type Work = Generator<(() => boolean) | undefined, void>;

export class World {
  readonly hosts: ReadonlyMap<string, ActualHost>;
  containers: Container[] = [];
  routes: Actual['routes'] = [];
  readonly volumes = new Map<string, string[]>();
  /** As the catalog's releases say. */
  current: Actual['current'];
  unfinished: number | undefined;
  #made = 0;

  constructor(hosts: readonly ActualHost[]) {
    this.hosts = new Map(hosts.map((host) => [host.name, host]));
  }

  actual(): Actual {
    const hosts = [...this.hosts.values()].map((host): [string, ActualHost] => [
      host.name,
      {
        ...host,
        replicas: this.containers.filter((each) => each.host === host.name).map((each) => ({ ...each })),
        volumes: this.volumes.get(host.name) ?? [],
      },
    ]);
    return {
      ...{ hosts: Object.fromEntries(hosts), routes: this.routes, volumeHosts: {} },
      ...(this.current === undefined ? {} : { current: this.current }),
      ...(this.unfinished === undefined ? {} : { unfinished: this.unfinished }),
    };
  }

  create(
    desired: Desired,
    service: DesiredService,
    replica: number,
    host: string,
    release: number,
  ): Container {
    const id = `c${++this.#made}`;
    const routes = desired.routes.filter((route) => route.service === service.name);
    const container: Container = {
      ...{
        id,
        name: `polls-${service.name}-${replica}-${id}`,
        host,
        service: service.name,
        replica,
        release,
      },
      ...{ config: configHash(desired, service, hash), state: 'created', imageId: 'sha256:1', addresses: {} },
      writes: writesOf(desired, service),
      ...{ isDraining: false, isStopping: false, isHealthy: false, startedAt: '2026-01-01T00:00:00Z' },
      routePorts: Object.fromEntries(routes.map((route) => [routeKey(route), route.port])),
    };
    this.containers.push(container);
    return container;
  }

  remove(id: string): void {
    this.containers = this.containers.filter((each) => each.id !== id);
  }

  /** What was told to stop by an operator who died ends at some time, whoever is at work then. */
  stops(): Work[] {
    const told = this.containers.filter((each) => each.isStopping && each.state === 'running');
    return told.map((each) =>
      (function* (): Work {
        yield undefined;
        each.state = 'exited';
        yield undefined;
      })(),
    );
  }

  find({ id }: OldReplica): Container | undefined {
    return this.containers.find((each) => each.id === id);
  }

  isServing(service: string, replica: number): boolean {
    return this.containers.some(
      (each) =>
        each.service === service &&
        each.replica === replica &&
        each.state === 'running' &&
        each.isHealthy &&
        !each.isDraining,
    );
  }
}

export interface RunOptions {
  readonly desired: Desired;
  readonly release: number;
  /** Services whose new containers never become healthy. */
  readonly bad: ReadonlySet<string>;
  /** Which of so many pieces of work that can go on does so next. */
  readonly choose: (count: number) => number;
  /** Called after each visible change. */
  readonly look: () => void;
  /** Called when a container of a service is made, with the services whose steps are done. */
  readonly onCreate: (service: string, done: ReadonlySet<string>) => void;
  /** The operator dies after so many changes. */
  readonly crashAfter: number;
  /** It is the way back of a deploy that failed. */
  readonly isReturn: boolean;
}

/** Does a plan on the world. @returns how it ended. */
export function runPlan(world: World, plan: Plan, options: RunOptions): 'done' | 'crashed' | 'failed' {
  const run = new Run(world, options);
  let changes = 0;
  // A deploy that failed is not over before its way back is.
  if (!options.isReturn) world.unfinished = options.release;
  const queue: Work[] = [run.steps(plan.steps), ...world.stops()];
  run.spawn = (work) => void queue.push(work);
  const waits = new Map<Work, () => boolean>();
  for (;;) {
    const able = queue.filter((work) => waits.get(work)?.() !== false);
    if (able.length === 0) break;
    const work = able[options.choose(able.length)] ?? able[0];
    if (!work) break;
    waits.delete(work);
    const { done, value } = work.next();
    if (done) queue.splice(queue.indexOf(work), 1);
    else if (value) waits.set(work, value);
    else if (++changes > options.crashAfter) return 'crashed';
    else options.look();
  }
  if (queue.length > 0) throw new Error(`the rollout hangs with ${queue.length} pieces of work`);
  if (run.halted) return 'failed';
  world.unfinished = undefined;
  world.current = { release: options.release, desired: options.desired };
  return 'done';
}

class Run {
  readonly #world: World;
  readonly #options: RunOptions;
  readonly #done = new Set<string>();
  halted = false;
  spawn: (work: Work) => void = () => undefined;

  constructor(world: World, options: RunOptions) {
    this.#world = world;
    this.#options = options;
  }

  *steps(steps: readonly Step[]): Work {
    const kindOf = ({ kind }: Step): string => (kind === 'run-task' ? 'roll' : kind);
    for (let at = 0; at < steps.length && !this.halted; ) {
      const group: Step[] = [];
      for (const step of steps.slice(at)) {
        if (group[0] && kindOf(group[0]) !== kindOf(step)) break;
        group.push(step);
      }
      at += group.length;
      let left = group.length;
      let running = 0;
      for (const step of group) {
        const world = this;
        this.spawn(
          (function* (): Work {
            yield () =>
              world.halted ||
              (running < SERVICES_AT_ONCE &&
                (!('after' in step) || step.after.every((name) => world.#done.has(name))));
            running += 1;
            if (!world.halted) yield* world.#step(step);
            if ('after' in step) world.#done.add(step.service);
            running -= 1;
            left -= 1;
          })(),
        );
      }
      yield () => left === 0;
    }
  }

  *#step(step: Step): Work {
    const world = this.#world;
    if (step.kind === 'publish-routes') world.routes = step.routes;
    else if (step.kind === 'prepare') {
      const names = step.volumes.map((name) => this.#options.desired.volumes[name]?.dockerName ?? '');
      world.volumes.set(step.host, [...new Set([...(world.volumes.get(step.host) ?? []), ...names])]);
    } else if (step.kind === 'run-task') this.#options.onCreate(step.service, this.#done);
    else yield* this.#roll(step);
    yield undefined;
  }

  *#roll(step: Extract<Step, { kind: 'roll' }>): Work {
    const swaps = step.moves.filter((move) => move.kind === 'swap');
    const atOnce = step.rule.parallelism > 0 ? step.rule.parallelism : Math.max(1, swaps.length);
    for (const kind of new Set(step.moves.map((move) => move.kind))) {
      const moves = step.moves.filter((move) => move.kind === kind);
      const limit = kind === 'swap' ? atOnce : kind === 'stop' ? moves.length : STARTS_AT_ONCE;
      const count = { starting: 0, leaving: 0, left: moves.length };
      for (const move of moves) this.spawn(this.#move(step.service, move, limit, count));
      yield () => count.left === 0;
    }
  }

  *#move(
    service: string,
    move: Move,
    limit: number,
    count: { starting: number; leaving: number; left: number },
  ): Work {
    const isBatched = move.kind === 'swap' && move.order === 'stop-first';
    yield () => this.halted || (count.starting < limit && (!isBatched || count.leaving < limit));
    count.starting += 1;
    let isLeaving = false;
    const leave = (): void => {
      isLeaving = true;
      count.starting -= 1;
      count.leaving += 1;
    };
    if (!this.halted) yield* this.#doMove(service, move, () => count.leaving < limit, leave);
    if (isLeaving) count.leaving -= 1;
    else count.starting -= 1;
    count.left -= 1;
  }

  *#doMove(service: string, move: Move, mayLeave: () => boolean, leave: () => void): Work {
    const old = 'old' in move ? this.#world.find(move.old) : undefined;
    if (move.kind === 'resume') {
      if (old && !old.isHealthy && this.#options.bad.has(service)) this.halted = true;
      else if (old) Object.assign(old, { isHealthy: true, isDraining: false, isStopping: false });
      yield undefined;
    } else if (move.kind === 'stop') yield* this.#retire(old);
    else if (move.kind === 'start') yield* this.#bringUp(service, move, () => undefined);
    else if (move.order === 'stop-first') yield* this.#swapStopFirst(service, move, old);
    else {
      let made: Container | undefined;
      yield* this.#bringUp(service, move, (container) => (made = container));
      if (!made) return;
      yield mayLeave;
      leave();
      if (this.halted) return this.#world.remove(made.id);
      yield* this.#retire(old, made);
    }
  }

  *#swapStopFirst(service: string, move: Extract<Move, { kind: 'swap' }>, old?: Container): Work {
    const wasRunning = old?.state === 'running';
    if (old) old.isDraining = true;
    yield undefined;
    if (old && wasRunning) {
      old.isStopping = true;
      yield undefined;
      old.state = 'exited';
    }
    yield undefined;
    let made: Container | undefined;
    yield* this.#bringUp(service, move, (container) => (made = container));
    if (made) this.#world.remove(move.old.id);
    else if (old && wasRunning)
      Object.assign(old, { state: 'running', isDraining: false, isStopping: false });
    yield undefined;
  }

  *#bringUp(
    service: string,
    move: Extract<Move, { kind: 'start' | 'swap' }>,
    give: (container: Container) => void,
  ): Work {
    const { desired, release, bad, onCreate } = this.#options;
    const wanted = desired.services[service];
    if (!wanted) throw new Error(`${service} is not desired`);
    onCreate(service, this.#done);
    const made = this.#world.create(desired, wanted, move.replica, move.host, release);
    yield undefined;
    made.state = 'running';
    yield undefined;
    if (bad.has(service) || this.halted) {
      this.#world.remove(made.id);
      if (bad.has(service)) this.halted = true;
      yield undefined;
      return;
    }
    made.isHealthy = true;
    yield undefined;
    give(made);
  }

  /** With a successor, the old one stays if the rollout is halted before it was stopped. */
  *#retire(old: Container | undefined, successor?: Container): Work {
    if (!old) return;
    old.isDraining = true;
    yield undefined;
    if (successor && this.halted) {
      old.isDraining = false;
      this.#world.remove(successor.id);
      yield undefined;
      return;
    }
    if (old.state === 'running') {
      old.isStopping = true;
      yield undefined;
      old.state = 'exited';
    }
    yield undefined;
    this.#world.remove(old.id);
    yield undefined;
  }
}
