import type { Config } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import {
  type Connections,
  connectHosts,
  type HostFailure,
  type HostLink,
  installDocker,
} from '../../hosts/index.ts';
import { type Report, reportStep } from '../../progress.ts';

/**
 * Reaches every configured host for a setup; Docker is installed where there is none. Throws when a host cannot be
 * had: a setup is for all hosts or for none.
 */
export async function connectForSetup(
  config: Pick<Config, 'hosts' | 'sshConfig'>,
  options: { readonly report: Report; readonly signal: AbortSignal; readonly interactive?: boolean },
): Promise<readonly HostLink[]> {
  const { report, signal, interactive = false } = options;
  const connect = (hosts: Config['hosts'], needsDocker: boolean) =>
    connectHosts(hosts, { sshConfig: config.sshConfig, signal, interactive, needsDocker });
  const first = await connect(config.hosts, false);
  const bare = first.links.filter(({ dockerProblem }) => dockerProblem !== undefined);
  try {
    refuseFailures(first);
    // One that fails must not cut the others off in the middle of an installation.
    const installed = await Promise.allSettled(bare.map((link) => install(link, report, signal)));
    const failed = installed.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  } catch (error) {
    for (const link of first.links) link.close();
    throw error;
  }
  if (bare.length === 0) return first.links;
  // A new login: the user may be in the group "docker" only now.
  for (const link of bare) link.close();
  const again = await connect(
    config.hosts.filter(({ name }) => bare.some((link) => link.name === name)),
    true,
  );
  const links = [...first.links.filter((link) => !bare.includes(link)), ...again.links];
  try {
    refuseFailures(again);
  } catch (error) {
    for (const link of links) link.close();
    throw error;
  }
  return config.hosts.flatMap(({ name }) => links.filter((link) => link.name === name));
}

async function install(link: HostLink, report: Report, signal: AbortSignal): Promise<void> {
  const problem = link.dockerProblem;
  if (problem?.code !== 'unreachable') throw problem;
  const step = { id: `docker ${link.name}`, title: 'install Docker', host: link.name };
  await reportStep(report, step, async (note) => {
    const onOutput = (text: string) => note(text.trim().split('\n').at(-1) ?? '');
    await installDocker(link, { onOutput, signal });
  });
}

function refuseFailures({ failures }: Connections): void {
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first.error;
  const text = (failure: HostFailure) => `${failure.name}: ${failure.error.message}`;
  throw new SeawallError(
    'unreachable',
    `${failures.length} hosts cannot be reached: ${failures.map(text).join('; ')}`,
    {
      ...(first.error.hint === undefined ? {} : { hint: first.error.hint }),
      cause: first.error,
    },
  );
}
