import type { ContainerInfo } from '../hosts/index.ts';
import type { Check } from './health.ts';

/** One entry that a container asks for; with a verdict on its check it becomes a line of the catalog. */
export interface Candidate {
  readonly id: string;
  readonly service: string;
  readonly address: string;
  /** 0: none that is known. */
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly check: Check;
}

/** What the registrar makes of one container. */
export interface Reading {
  readonly candidates: readonly Candidate[];
  /** Remarks for the log: what was left out and why. */
  readonly notes: readonly string[];
}

/**
 * Meta key of the container's last start as Docker tells it: a registrar that was restarted knows by it that a verdict in
 * the catalog is of the run it sees. Entries with `META.container` are the registrar's; it touches no others.
 */
export const STARTED_META = 'seawall-started';

/** It runs, stands still for a moment or is between two starts: it has entries. */
export const isLive = (container: ContainerInfo): boolean =>
  ['running', 'paused', 'restarting'].includes(container.State.Status);

/** Address in a network: the present one, or the one it keeps while the container is between two starts. */
export function addressIn(container: ContainerInfo, network: string): string {
  const endpoint = container.NetworkSettings.Networks[network];
  return endpoint?.IPAddress || endpoint?.IPAMConfig?.IPv4Address || '';
}

/** The container's HEALTHCHECK as a check, or nothing when there is none or `NONE` switched it off. */
export function dockerCheck(container: ContainerInfo): Check | undefined {
  const { Healthcheck, Shell }: ContainerInfo['Config'] & { readonly Shell?: readonly string[] | null } =
    container.Config;
  const [kind, ...rest] = Healthcheck?.Test ?? [];
  const timeoutMs = (Healthcheck?.Timeout || 30e9) / 1e6;
  if (kind === 'CMD') return { kind: 'docker', argv: rest, timeoutMs };
  if (kind !== 'CMD-SHELL') return undefined;
  const shell = Shell?.length ? Shell : ['/bin/sh', '-c'];
  return { kind: 'docker', argv: [...shell, ...rest], timeoutMs };
}
