import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEntry } from '../catalog/index.ts';
import { type HostRecord, KEY } from '../catalog/record.ts';
import { edgeContainerBody } from '../edge-container.ts';
import type { HostLink } from '../hosts/index.ts';
import { type AgentImageSource, readDockerConfig } from '../images/index.ts';
import { packageRoot } from '../package-root.ts';
import type { Plan } from '../plan/index.ts';
import { privateAddress } from '../ranges.ts';
import { operatorDocker } from './provide-images.ts';
import { openSession, type Session } from './session.ts';
import type { SetupParts } from './setup/bodies.ts';
import { setupReasons as reasonsOn } from './setup/reasons.ts';
import { type SetupResult, setupCluster } from './setup/setup.ts';

const PARTS: SetupParts = { edgeBody: edgeContainerBody, privateAddress };

/** What `machine setup` would still do on a host. */
export async function setupReasons(session: Session, link: HostLink): Promise<readonly string[]> {
  const { config, client, signal, desired } = session;
  const knownHosts = async (): Promise<readonly HostRecord[]> => {
    const { value } = client === undefined ? { value: [] } : await client.kvList(KEY.hosts, { signal });
    return value.map((entry) => parseEntry<HostRecord>(entry));
  };
  const { project } = desired;
  const about = {
    config,
    project,
    agentSource: await agentSource(session),
    parts: PARTS,
    knownHosts,
    signal,
  };
  return reasonsOn(about)(link);
}

/** Sets up the session's hosts where that is missing; gives a session that knows the cluster, and what a replaced edge cost. */
export async function setUpHosts(
  session: Session,
  plan: Plan,
): Promise<{ readonly session: Session } & Pick<SetupResult, 'edgeGapsMs'>> {
  if (!plan.changes.some((change) => change.kind === 'set-up-host')) return { session, edgeGapsMs: {} };
  const { edgeGapsMs } = await setUp(session);
  return { session: await openSession(session), edgeGapsMs };
}

/** Makes a cluster of the session's hosts, or brings theirs up to date. Safe to repeat. */
export async function setUp(session: Session): Promise<SetupResult> {
  const { config, links, report, signal } = session;
  const operator = await operatorDocker(signal);
  try {
    return await setupCluster({
      config,
      links,
      agentSource: await agentSource(session),
      ...(operator === undefined ? {} : { operator }),
      dockerConfig: await readDockerConfig(),
      parts: PARTS,
      report,
      signal,
    });
  } finally {
    operator?.close();
  }
}

async function agentSource({ config }: Session): Promise<AgentImageSource> {
  const root = packageRoot();
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    version,
    dockerfile: join(root, 'agent/Dockerfile'),
    program: join(root, 'dist/agent.js'),
    baseImage: config.agent.baseImage,
    buildNetwork: config.agent.buildNetwork,
  };
}
