import { describeError, SeawallError } from '../errors.ts';
import { type Docker, describeProbe, type ProbeResult, probeHttp, probeTcp } from '../hosts/index.ts';
import { Slots } from '../slots.ts';
import type { Check, Finding, Status } from './health.ts';

/** A process in a container costs far more than a socket. */
const execsAtATime = 16;
const connectionsAtATime = 32;

/** Runs checks, few at a time however many containers there are. */
export class Prober {
  readonly #docker: Pick<Docker, 'exec'>;
  readonly #execs = new Slots(execsAtATime);
  readonly #connections = new Slots(connectionsAtATime);

  constructor(docker: Pick<Docker, 'exec'>) {
    this.#docker = docker;
  }

  /** Never throws: what keeps a check from running is a finding, too. */
  async run(check: Check, container: string, signal: AbortSignal): Promise<Finding> {
    // To a socket an empty address means this machine itself.
    if ('address' in check && check.address === '') {
      return { status: 'critical', text: 'the container has no address', tookMs: 0 };
    }
    switch (check.kind) {
      case 'docker':
        return this.#execs.run(() => timed(() => this.#command(check, container, signal)));
      case 'running':
        return { status: 'passing', text: `has run for ${check.monitorMs / 1000} s`, tookMs: 0 };
      case 'tcp':
        return this.#connections.run(() =>
          timed(async () => {
            const result = await probeTcp({ ...check, signal });
            return { status: result.ok ? 'passing' : 'critical', text: describeProbe(result) };
          }),
        );
      case 'http':
        return this.#connections.run(() =>
          timed(async () => {
            const result = await probeHttp({ ...check, signal });
            return { status: httpStatus(check, result), text: describeProbe(result) };
          }),
        );
    }
  }

  async #command(
    check: Check & { readonly kind: 'docker' },
    container: string,
    signal: AbortSignal,
  ): Promise<Omit<Finding, 'tookMs'>> {
    try {
      const { timeoutMs } = check;
      const { exitCode, stdout, stderr } = await this.#docker.exec(container, check.argv, {
        timeoutMs,
        signal,
      });
      const said = `${stdout}${stderr}`.trim();
      if (exitCode === 0) return { status: 'passing', text: said || 'health command succeeded' };
      return { status: 'critical', text: `health command exited with ${exitCode}${said ? `: ${said}` : ''}` };
    } catch (error) {
      const late = error instanceof SeawallError && error.code === 'timeout';
      const why = late
        ? `did not end within ${check.timeoutMs / 1000} s`
        : `could not run: ${describeError(error)}`;
      return { status: 'critical', text: `health command ${why}` };
    }
  }
}

async function timed(work: () => Promise<Omit<Finding, 'tookMs'>>): Promise<Finding> {
  const start = performance.now();
  return { ...(await work()), tookMs: performance.now() - start };
}

function httpStatus(check: Check & { readonly kind: 'http' }, { ok, status = 0 }: ProbeResult): Status {
  if (check.accept === 'below-500') return ok ? 'passing' : 'critical';
  if (status === 429) return 'warning';
  return status >= 200 && status < 300 ? 'passing' : 'critical';
}
