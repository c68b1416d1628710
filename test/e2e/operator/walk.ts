/** The walk through all moments of a deploy, at which an operator dies or changes his mind. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import type { Progress } from '../../../src/progress.ts';
import type { Finished, Project, Stage } from './stage.ts';

/** As the progress of a deploy tells it; the first event that fits is the moment. */
export type Moment = readonly [name: string, kind: Progress['kind'], about: RegExp];

/** Every kind of moment in a deploy of the walk. */
const MOMENTS: readonly Moment[] = [
  ['the hosts are checked', 'begin', /^preflight$/],
  ['images are in place', 'end', /^images$/],
  ['the release is recorded', 'begin', /^rollout$/],
  ['a task begins', 'begin', /^task-migrate$/],
  ['a task runs', 'line', /^migrate migrating/],
  ['a service that stops first drains', 'note', /store-1-swap draining/],
  ['it is being stopped', 'note', /store-1-swap stopping/],
  ['its successor starts', 'note', /store-1-swap starting/],
  ['one service is done', 'end', /^roll-store$/],
  ['new replicas start', 'note', /web-\d-swap starting/],
  ['a new replica is healthy', 'note', /web-\d-swap healthy/],
  ['an old replica drains', 'note', /web-\d-swap draining/],
  ['an old replica is being stopped', 'note', /web-\d-swap stopping/],
  ['the first replica is replaced', 'end', /web-\d-swap$/],
  ['all is done but recorded', 'end', /^rollout$/],
];

/** For one moment alone: `WALK='an old replica' npm run e2e -- killed`. */
export const WALKED: readonly Moment[] = MOMENTS.filter(([name]) =>
  new RegExp(process.env.WALK ?? '').test(name),
);

type Env = Readonly<Record<string, string>>;

interface Row {
  readonly service: string;
  readonly kind: string;
  readonly state: string;
  readonly host: string;
  readonly container?: string;
}

/** The project `walk` on a stage of two hosts, both for apps, the first an edge. */
export class Walk {
  readonly #stage: Stage;
  readonly project: Project;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.project = stage.project();
  }

  /** Deploys, and does `act` to the command once the moment comes. */
  deployUntil(moment: Moment, env: Env, act: (child: ChildProcess) => void): Promise<Finished> {
    return this.runUntil(['deploy', '--yes'], moment, env, act);
  }

  async runUntil(
    args: readonly string[],
    [name, kind, about]: Moment,
    env: Env,
    act: (child: ChildProcess) => void,
  ): Promise<Finished> {
    let rest = '';
    let hasCome = false;
    const finished = await this.project.run([...args, '--json', '--verbose'], {
      env,
      onError: (text, child) => {
        const lines = `${rest}${text}`.split('\n');
        rest = lines.pop() ?? '';
        const events = lines
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as Progress);
        if (hasCome || !events.some((event) => event.kind === kind && about.test(aboutOf(event)))) return;
        hasCome = true;
        act(child);
      },
    });
    assert.ok(hasCome, `the moment "${name}" never came:\n${finished.stderr}\n${finished.stdout}`);
    return finished;
  }

  /** What `ps` lists is what the hosts have, and a plan sees work to do. */
  async assertTruth(moment: string, env: Env): Promise<void> {
    const [listed, there, plan] = await Promise.all([
      this.#rows(),
      this.#placed(),
      this.project.run(['plan', '--exit-code'], { env }),
    ]);
    const seen = listed.filter(({ kind, host }) => kind === 'replica' && host !== null);
    const replicas = there.filter((name) => !name.includes('-task-'));
    assert.equal(seen.length, replicas.length, `${moment}: ${JSON.stringify(listed)}\n${there.join(' ')}`);
    // Of the last moment the record may have been written before the signal came: then there is nothing left to do.
    const isDone = moment === 'all is done but recorded' && plan.code === 0;
    assert.ok(isDone || plan.code === 3, `${moment}: ${plan.stdout}${plan.stderr}`);
  }

  /** Three replicas, well, of the version; nothing else; nothing to do; nobody holds the lease. */
  async assertConverged(moment: string, env: Env & { readonly VERSION: string }): Promise<void> {
    const wanted = 'store healthy,web healthy,web healthy';
    const isWell = async (): Promise<boolean> => {
      const states = (await this.#rows()).map(({ service, state }) => `${service} ${state}`);
      return states.sort().join() === wanted;
    };
    await this.#stage.until(`${moment}: ${wanted}, and nothing else`, isWell);
    const [there, plan, lock] = await Promise.all([
      this.#placed(),
      this.project.run(['plan', '--exit-code'], { env }),
      this.project.run(['lock', 'status']),
    ]);
    assert.equal(plan.code, 0, `${moment}: ${plan.stdout}${plan.stderr}`);
    assert.equal(lock.code, 0, `${moment}: ${lock.stdout}`);
    assert.equal(there.length, 3, `${moment}: ${there.join(' ')}`);
    assert.deepEqual(await this.project.served('host1'), [env.VERSION], moment);
  }

  async #rows(): Promise<readonly Row[]> {
    const { stdout } = await this.project.run(['ps', '--json']);
    return (JSON.parse(stdout) as { replicas: readonly Row[] }).replicas;
  }

  async #placed(): Promise<string[]> {
    return (await Promise.all(['host1', 'host2'].map((host) => this.#stage.containers(host)))).flat().sort();
  }
}

const aboutOf = (event: Progress): string =>
  event.kind === 'line'
    ? `${event.from} ${event.text}`
    : event.kind === 'note'
      ? `${event.id} ${event.text}`
      : event.id;
