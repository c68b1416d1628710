import type { LoadedProject } from '../config/index.ts';
import { SeawallError } from '../errors.ts';
import type { HostFailure, HostLink } from '../hosts/index.ts';
import { nearestName } from '../names.ts';
import { type Problem, renderProblems } from '../problems.ts';
import type { Session, SessionOptions } from '../rollout/index.ts';
import type { Context } from './context.ts';
import { ProblemsError } from './error-screen.ts';
import type { ProgressView } from './progress.ts';
import { hasColour, write } from './terminal.ts';

export interface ProjectFiles extends LoadedProject {
  /** Problems that are no errors. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads the project that the options name.
 * @throws ProblemsError with all problems when the files are wrong; SeawallError `input` for an unknown `--host`.
 */
export async function readProject(
  { terminal, options }: Context,
  scale: Readonly<Record<string, number>> = {},
  moreProfiles: readonly string[] = [],
): Promise<ProjectFiles> {
  const { loadProject } = await import('../config/index.ts');
  const { files } = options;
  const profiles = [...options.profiles, ...moreProfiles];
  const { value, problems } = await loadProject({
    files,
    cwd: terminal.cwd,
    env: terminal.env,
    profiles,
    scale,
  });
  if (value === undefined) throw new ProblemsError(problems);
  for (const host of options.hosts)
    requireName(
      'host',
      host,
      value.config.hosts.map(({ name }) => name),
    );
  return { ...value, warnings: problems };
}

/** Shows on standard error what is doubtful in the files; with --json the command's value has it, or nothing does. */
export async function showWarnings(
  { terminal, options }: Pick<Context, 'terminal' | 'options'>,
  warnings: readonly Problem[],
): Promise<void> {
  if (warnings.length === 0 || options.json) return;
  const colour = hasColour(terminal, terminal.stderr);
  await write(terminal.stderr, `${renderProblems(warnings, { colour })}\n`);
}

/** @throws SeawallError `input`, with what was probably meant, when there is no such name. */
export function requireName(noun: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const meant = nearestName(name, known);
  const hint =
    meant === undefined
      ? `There ${known.length === 1 ? 'is' : 'are'}: ${known.join(', ') || 'none'}`
      : `Did you mean ${meant}?`;
  throw new SeawallError('input', `there is no ${noun} "${name}"`, { hint });
}

/** @throws SeawallError `input` when the project has no such service, or not with the active profiles. */
export function requireService({ desired, inactive }: LoadedProject, name: string): void {
  const profiles = inactive?.[name];
  if (profiles === undefined) {
    requireName('service', name, [...Object.keys(desired.services), ...Object.keys(inactive ?? {})]);
    return;
  }
  const only = profiles.map((profile) => `"${profile}"`).join(' or ');
  throw new SeawallError('input', `${name} is only there with the profile ${only}, which is not active`, {
    hint: `Name it in profiles: of seawall.yml, or with --profile ${profiles[0]}; deploy then starts ${name} too`,
  });
}

/** Opens a session on the whole project, and closes it afterwards. */
export async function withSession<T>(
  context: Context,
  project: LoadedProject,
  progress: ProgressView,
  work: (session: Session) => Promise<T>,
  extra: Pick<SessionOptions, 'lockWaitMs' | 'skipUnreachable'> = {},
): Promise<T> {
  const { openSession } = await import('../rollout/index.ts');
  const command = `seawall ${process.argv.slice(2).join(' ')}`;
  const { desired, config } = project;
  const session = await openSession({
    desired,
    config,
    report: progress.report,
    signal: context.signal,
    command,
    ...extra,
  });
  try {
    return await work(session);
  } finally {
    progress.close();
    await session.close();
  }
}

/** Hosts that were reached for a command that looks or operates; it goes on with those when others do not answer. */
export interface ReachedHosts {
  readonly links: readonly HostLink[];
  readonly failures: readonly HostFailure[];
}

/** A command that goes on without a host does not let its user wait long for it. */
export const LOOK_TIMEOUT_S = 5;

/**
 * Connects to the hosts that `--host` names, or to all.
 * @throws SeawallError of the first host when none answers.
 */
export async function withHosts<T>(
  context: Context,
  { config }: LoadedProject,
  work: (hosts: ReachedHosts) => Promise<T>,
): Promise<T> {
  const { connectHosts } = await import('../hosts/index.ts');
  const { hosts: wanted } = context.options;
  const hosts = config.hosts.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const reached = await connectHosts(hosts, {
    sshConfig: config.sshConfig,
    signal: context.signal,
    connectTimeoutS: LOOK_TIMEOUT_S,
  });
  const [first] = reached.failures;
  if (reached.links.length === 0 && first !== undefined) throw first.error;
  try {
    return await work(reached);
  } finally {
    for (const link of reached.links) link.close();
  }
}

/** Commands that concern the project as a whole refuse `--host`: half a deploy would be two versions side by side. */
export function refuseHosts({ options }: Context, command: string): void {
  if (options.hosts.length === 0) return;
  throw new SeawallError('input', `${command} concerns all hosts; --host cannot narrow it`, {
    hint: 'To say where services run, use deploy.placement.constraints in the Compose file. seawall plan --host shows one host only.',
  });
}
