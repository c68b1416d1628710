import { CLUSTER_SETTINGS, type ClusterSetting } from '../cluster-settings.ts';
import type { ConfigInput } from './schema.ts';

/** The settings of the cluster that a seawall.yml writes, also those that it writes as they are by default. */
export function writtenSettings(
  input: Pick<ConfigInput, 'edge' | 'tls' | 'metrics'>,
): readonly ClusterSetting[] {
  return CLUSTER_SETTINGS.filter((key) => {
    const [part = '', name] = key.split('.');
    const section = input[part as keyof typeof input] as Readonly<Record<string, unknown>> | undefined;
    return name === undefined ? section !== undefined : section?.[name] !== undefined;
  });
}
