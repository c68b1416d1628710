import type { DesiredService, UpdateRule } from '../compose/desired.ts';
import type { ActualReplica } from './actual.ts';
import type { Change } from './change.ts';

export function changeFor(
  service: DesiredService,
  rule: UpdateRule,
  replica: number,
  host: string,
  old: ActualReplica | undefined,
  why: readonly string[],
): Change {
  const path = `services.${service.name}.replicas.${replica}`;
  if (!old)
    return {
      kind: 'start-replica',
      path,
      host,
      from: null,
      to: `${service.name}-${replica} on ${host}`,
      why,
    };
  const from = `${old.name} on ${old.host}`;
  const change: Change = {
    kind: 'replace-replica',
    path,
    host,
    from,
    to: `${service.name}-${replica} on ${host}`,
    why,
  };
  if (rule.order === 'start-first') return change;
  return { ...change, away: awayText(service, rule) };
}

function awayText(service: DesiredService, rule: UpdateRule): string {
  const key = rule === service.update ? 'update_config' : 'rollback_config';
  const reason = rule.orderReason ?? `${key}.order is stop-first`;
  const seconds = Math.ceil((Math.min(service.stopGraceMs, 3000) + startMs(service)) / 1000);
  return `stops before its successor starts, because ${reason}; away for about ${seconds} s`;
}

/** A guess of how long a replica takes to become healthy: probes run every second while it starts. */
const startMs = (service: DesiredService): number =>
  service.health.kind === 'running' ? service.update.monitorMs : 2000;

export const resumeChange = (replica: ActualReplica): Change => ({
  kind: 'resume-replica',
  path: `services.${replica.service}.replicas.${replica.replica}`,
  host: replica.host,
  from: `${replica.name} on ${replica.host}, draining`,
  to: `${replica.name} on ${replica.host}`,
  why: ['a deploy that was cut short took its requests away'],
});

export const stopChange = (replica: ActualReplica, why: string): Change => ({
  kind: 'stop-replica',
  path: `services.${replica.service}.replicas.${replica.replica}`,
  host: replica.host,
  from: `${replica.name} on ${replica.host}`,
  to: null,
  why: [why],
});
