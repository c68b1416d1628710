import type { CatalogClient } from './client.ts';
import { type Instance, maintenanceCheckId } from './record.ts';
import type { CallOptions } from './transport.ts';

type Place = Pick<Instance, 'id' | 'host' | 'address'>;

/** How the mark of an instance that was told to stop begins. */
const STOPPING = 'stopping';

/** Marks an instance as draining: consumers give it no new requests. Its own check stays as it is. */
export async function markDraining(
  client: Pick<CatalogClient, 'register'>,
  instance: Place,
  reason: string,
  options: CallOptions = {},
): Promise<void> {
  const check = {
    id: maintenanceCheckId(instance.id),
    name: 'Service Maintenance Mode',
    status: 'critical',
    output: reason,
    serviceId: instance.id,
  } as const;
  // Consul wants an address with every registration; an existing node keeps its own.
  await client.register(
    { node: instance.host, nodeAddress: instance.address, skipNodeUpdate: true, checks: [check] },
    options,
  );
}

/** Marks a draining instance as told to stop: it ends even when whoever told it so is gone. */
export const markStopping = (
  client: Pick<CatalogClient, 'register'>,
  instance: Place,
  options: CallOptions = {},
): Promise<void> => markDraining(client, instance, `${STOPPING} since ${new Date().toISOString()}`, options);

/** Whether a mark's output says that the instance was told to stop. */
export const isStopping = (output: string): boolean => output.startsWith(`${STOPPING} `);

/** Takes the mark off again; nothing happens when there is none. */
export async function clearDraining(
  client: Pick<CatalogClient, 'deregister'>,
  instance: Pick<Instance, 'id' | 'host'>,
  options: CallOptions = {},
): Promise<void> {
  await client.deregister({ node: instance.host, checkId: maintenanceCheckId(instance.id) }, options);
}
