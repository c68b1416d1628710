import type { CatalogClient } from './client.ts';
import { type Instance, maintenanceCheckId } from './record.ts';
import type { CallOptions } from './transport.ts';

type Place = Pick<Instance, 'id' | 'host' | 'address'>;

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

/** Takes the mark off again; nothing happens when there is none. */
export async function clearDraining(
  client: Pick<CatalogClient, 'deregister'>,
  instance: Pick<Instance, 'id' | 'host'>,
  options: CallOptions = {},
): Promise<void> {
  await client.deregister({ node: instance.host, checkId: maintenanceCheckId(instance.id) }, options);
}
