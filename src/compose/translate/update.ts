import { parseDurationMs } from '../../units.ts';
import type { DesiredMount, DesiredPort, UpdateRule } from '../desired.ts';
import type { ServiceModel, UpdateModel } from '../model.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { refuse } from './remark.ts';

const MONITOR_MS = 5000;

/** Why two replicas of a service must not run at the same time; `undefined` when they may. */
export function stopFirstReason(
  service: ServiceModel,
  mounts: readonly DesiredMount[],
  ports: readonly DesiredPort[],
  isSingleton: boolean,
): string | undefined {
  const volume = mounts.find((mount) => mount.kind === 'volume' && !mount.readOnly);
  if (volume?.kind === 'volume') return `it writes to the volume "${volume.volume}"`;
  const port = ports.find(({ published }) => published !== undefined);
  if (port !== undefined) return `it publishes the fixed port ${port.published}`;
  if (service.container_name !== undefined) return `it has the container name "${service.container_name}"`;
  return isSingleton ? 'it is a singleton' : undefined;
}

/** `deploy.update_config` with Seawall's defaults. */
export function updateRule(
  name: string,
  key: 'update_config' | 'rollback_config',
  service: ServiceModel,
  reason: string | undefined,
  input: TranslateInput,
  remarks: Remarks,
): UpdateRule {
  const rule: UpdateModel = service.deploy?.[key] ?? {};
  if (rule.order === 'start-first' && reason !== undefined) {
    const path = ['services', name, 'deploy', key, 'order'];
    refuse(
      input,
      remarks,
      path,
      `two replicas cannot run at once: ${reason}`,
      'Write "order: stop-first", or remove the line.',
    );
  }
  const ms = (text: string | undefined, otherwise: number) =>
    text === undefined ? otherwise : (parseDurationMs(text) ?? otherwise);
  const order = reason !== undefined ? 'stop-first' : (rule.order ?? 'start-first');
  const isOwnChoice = reason !== undefined && rule.order === undefined;
  return {
    parallelism: Number(rule.parallelism ?? 1),
    delayMs: ms(rule.delay, 0),
    monitorMs: ms(rule.monitor, MONITOR_MS),
    order,
    ...(isOwnChoice ? { orderReason: reason } : {}),
    failureAction: failureAction(rule.failure_action, key),
    maxFailureRatio: Number(rule.max_failure_ratio ?? 0),
  };
}

function failureAction(written: string | undefined, key: string): UpdateRule['failureAction'] {
  if (written === 'pause' || written === 'continue') return written;
  return key === 'rollback_config' ? 'pause' : 'rollback';
}
