import { join } from 'node:path';
import { bringUpLab } from '../../lab/boot.ts';
import { findHost } from '../../lab/hosts.ts';
import { type Lab, stateFolder } from '../../lab/lab.ts';
import type { HostConfig } from '../../src/config/index.ts';
import { connectHosts, type HostLink } from '../../src/hosts/index.ts';
import { labName, labsFolder } from '../lab-name.ts';
import { until as waitUntil } from '../until.ts';

export const root = join(import.meta.dirname, '../..');

/** A lab of its own: host1 has Engine 28.5, host2 20.10. */
export function labOf(name: string, hosts: number): Promise<Lab> {
  const stateDir = stateFolder(labsFolder, name);
  return bringUpLab({ name: labName(name), hosts, stateDir, say: () => {} });
}

/** A host of the lab as seawall.yml would name it. */
export function hostConfig(lab: Lab, name: string, parts: Partial<HostConfig> = {}): HostConfig {
  return { name, ssh: name, address: findHost(lab, name).address, roles: ['app'], labels: {}, ...parts };
}

/** Connections to hosts of the lab; throws when one cannot be had. */
export async function linksTo(lab: Lab, names: readonly string[]): Promise<readonly HostLink[]> {
  const configs = names.map((name) => hostConfig(lab, name));
  const { links, failures } = await connectHosts(configs, { sshConfig: lab.sshConfig });
  if (failures[0] === undefined) return links;
  for (const link of links) link.close();
  throw failures[0].error;
}

/** Waits for a condition. */
export async function until(
  what: string,
  look: () => Promise<boolean> | boolean,
  deadlineMs = 30_000,
): Promise<void> {
  await waitUntil(what, deadlineMs / 1000, look, 50);
}
