import { ensureSubnet, parseEntry } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import { type HostLink, isConflict, isNotFound } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { dockerNetworkBody, dockerNetworkName, type Step } from '../plan/index.ts';
import { layCertificates } from './certificates/keep.ts';
import type { RolloutContext } from './context.ts';
import { linkTo } from './roll.ts';

type PrepareStep = Extract<Step, { kind: 'prepare' }>;

/** Makes the networks and volumes, and lays the certificates, that a host needs before anything of the project starts there. Safe to repeat. */
export async function prepareHost(context: RolloutContext, step: PrepareStep): Promise<void> {
  const host = linkTo(context, step.host);
  for (const network of step.networks) await ensureNetwork(context, host, network);
  for (const volume of step.volumes) await ensureVolume(context, host, volume);
  if (step.certificates !== undefined) await layCertificates(context, host, step.certificates);
}

async function ensureNetwork(context: RolloutContext, host: HostLink, network: string): Promise<void> {
  const { desired, cluster, client, signal } = context;
  const number = context.hosts.find((each) => each.name === host.name)?.number ?? 0;
  const internal = desired.networks[network]?.internal === true;
  const owner = { host: host.name, project: desired.project, network, internal };
  const subnet = await ensureSubnet(client, cluster.range, number, owner, { signal });
  try {
    await host.docker.inspectNetwork(dockerNetworkName(desired.project, network), { signal });
    return;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const { value: alive } = await client.kvGet(KEY.alive(host.name), { signal });
  const mtu = alive && parseEntry<{ linkMtu?: number }>(alive).linkMtu;
  const body = dockerNetworkBody({
    cluster: cluster.id,
    project: desired.project,
    network,
    subnet: subnet.cidr,
    block: subnet.block,
    ...(mtu === undefined ? {} : { mtu }),
    engineApiVersion: await host.docker.apiVersion({ signal }),
  });
  try {
    await host.docker.createNetwork(body as unknown as Parameters<HostLink['docker']['createNetwork']>[0], {
      signal,
    });
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
}

async function ensureVolume(context: RolloutContext, host: HostLink, name: string): Promise<void> {
  const { desired, client, signal } = context;
  const volume = desired.volumes[name];
  if (!volume) return;
  if (!volume.external) {
    await host.docker.createVolume(
      {
        Name: volume.dockerName,
        Driver: volume.driver,
        DriverOpts: volume.driverOptions,
        Labels: { ...volume.labels, [LABEL.project]: desired.project },
      },
      { signal },
    );
  }
  await client.kvPut(KEY.volume(desired.project, volume.dockerName), JSON.stringify({ host: host.name }), {
    signal,
  });
}
