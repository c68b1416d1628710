import { SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';
import { likelyCause } from './likely-cause.ts';
import type { NewReplica } from './replica.ts';
import type { FailureReport } from './result.ts';

const LOG_LINES = 20;

/** A new replica that did not come up. Callers branch on it: it makes the deploy return to the last good release. */
export class ReplicaFailure extends SeawallError {
  readonly replica: Pick<NewReplica, 'id' | 'name' | 'host'> & {
    readonly service: { readonly name: string };
  };
  readonly what: string;
  readonly lastProbe: string;
  /** Collected while the container still exists. */
  report: FailureReport | undefined;

  constructor(replica: ReplicaFailure['replica'], what: string, lastProbe: string) {
    super('rolled-back', `${replica.name} on ${replica.host}: ${what}`);
    this.replica = replica;
    this.what = what;
    this.lastProbe = lastProbe;
  }
}

/** A task that did not end with code 0. */
export class TaskFailure extends ReplicaFailure {}

/** `failure_action: pause` stopped the rollout where it was: replicas of two releases run, on purpose. */
export class Pause extends SeawallError {
  readonly failed: number;
  readonly total: number;

  constructor(service: string, failed: number, total: number, cause: SeawallError) {
    super('mixed', `paused by the failure_action of ${service}: ${cause.message}`, {
      cause,
      ...(cause.where === undefined ? {} : { where: cause.where }),
      hint: 'Mend it and: seawall deploy. Or go back: seawall rollback',
    });
    this.failed = failed;
    this.total = total;
  }
}

/** Puts together what can be seen of a failure, before its container is removed. */
export async function describeFailure(
  failure: ReplicaFailure,
  host: HostLink,
  signal: AbortSignal,
): Promise<FailureReport> {
  const log: string[] = [];
  try {
    for await (const { line } of host.docker.containerLogs(failure.replica.id, { tail: LOG_LINES, signal })) {
      log.push(String(line));
    }
  } catch {
    log.push('(its log could not be read)');
  }
  const cause = likelyCause(failure.what, failure.lastProbe, log);
  const isTask = failure instanceof TaskFailure;
  return {
    service: failure.replica.service.name,
    host: failure.replica.host,
    container: failure.replica.name,
    what: failure.what,
    ...(failure.lastProbe === '' ? {} : { lastProbe: failure.lastProbe }),
    log,
    ...(cause === undefined ? {} : { likelyCause: cause }),
    nextCommand: isTask
      ? `seawall run --rm ${failure.replica.service.name}`
      : `seawall logs ${failure.replica.service.name}, then mend it and: seawall deploy`,
    schemaMayHaveChanged: isTask,
  };
}
