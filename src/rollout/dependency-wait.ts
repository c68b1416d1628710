import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import type { RolloutContext } from './context.ts';
import { catalogName } from './service-name.ts';

const LOOK_EVERY_MS = 500;
/** As long as a replica without a HEALTHCHECK of its own may take. */
const DEADLINE_MS = 60_000;

/**
 * Waits until each dependency with `condition: service_healthy` has a replica that is well, on whatever host. What this
 * rollout renews was waited for by its own roll; this is for what stays as it is.
 * @throws SeawallError `timeout` naming the dependency.
 */
export async function awaitDependencies(
  context: RolloutContext,
  service: string,
  note: (text: string) => void,
): Promise<void> {
  const { desired } = context;
  const needed = Object.entries(desired.services[service]?.dependsOn ?? {}).filter(([name, dependency]) => {
    const other = desired.services[name];
    const isReplicated = other?.kind === 'replica' && other.replicas > 0;
    return dependency.condition === 'service_healthy' && dependency.required && isReplicated;
  });
  await Promise.all(needed.map(([name]) => awaitHealthy(context, service, name, note)));
}

async function awaitHealthy(
  context: RolloutContext,
  service: string,
  name: string,
  note: (text: string) => void,
): Promise<void> {
  const { client, desired, signal } = context;
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const { value } = await client.serviceInstances(catalogName(desired, name), { signal });
    if (value.some(isWell)) return;
    if (performance.now() > deadline) {
      const said = value[0]?.output.split('\n')[0] ?? 'none is in the catalog';
      throw new SeawallError('timeout', `${service} waits for a healthy replica of ${name}: ${said}`, {
        hint: `Look at it first: seawall ps, seawall logs ${name}`,
      });
    }
    note(`waiting for ${name} to be healthy`);
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

const isWell = ({ status, draining }: Instance): boolean => status === 'passing' && !draining;
