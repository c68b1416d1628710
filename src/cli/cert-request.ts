import type { RequestAnswer } from '../catalog/tls-record.ts';
import { MANUAL } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import { nearestName } from '../names.ts';
import { reportStep } from '../progress.ts';
import type { CertificateStatus, Session } from '../rollout/index.ts';
import { Slots } from '../slots.ts';
import { confirm } from './confirm.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { type ProgressView, progressView } from './progress.ts';
import { readProject, withSession } from './project.ts';
import { printable } from './table.ts';

/** Requests that wait for their answer at a time: as many as whoever leads has under way. */
const requestsAtOnce = 4;

/** What became of one certificate that something was asked about. */
interface Outcome extends Pick<RequestAnswer, 'ok' | 'text'> {
  readonly name: string;
}

type Work = (
  session: Session,
  progress: ProgressView,
  statuses: readonly CertificateStatus[],
) => Promise<number>;

async function withCertificates(context: Context, work: Work): Promise<number> {
  const project = await readProject(context);
  const progress = progressView(context);
  return withSession(context, project, progress, async (session) => {
    const { clusterOf, readCertificates } = await import('../rollout/index.ts');
    const { client } = clusterOf(session);
    return work(session, progress, await readCertificates(client, context.signal, context.terminal.now));
  });
}

export async function renewCertificates(
  context: Context,
  options: { readonly dryRun?: boolean },
  name?: string,
): Promise<number> {
  const kind = options.dryRun === true ? 'rehearse' : 'renew';
  return withCertificates(context, async (session, progress, statuses) => {
    const { project } = session.desired;
    const chosen =
      name === undefined
        ? statuses.filter(({ projects, source }) => projects.includes(project) && source === 'acme')
        : [findCertificate(statuses, name)];
    for (const each of chosen) refuseGiven(each, kind);
    if (chosen.length === 0)
      throw new SeawallError('refused', `${project} has no certificate that is ordered`, {
        hint: 'See what there is: seawall cert ls',
      });
    const slots = new Slots(requestsAtOnce);
    const outcomes = await Promise.all(chosen.map((each) => slots.run(() => ask(session, each, kind))));
    progress.close();
    const end = kind === 'rehearse' ? 'Nothing was changed.\n' : 'See: seawall cert ls\n';
    return showOutcomes(context, outcomes, end);
  });
}

/** RFC 5280 section 5.3.1, as far as subscribers may give them (RFC 8555 section 7.6). */
const REASONS: Readonly<Record<string, number>> = {
  unspecified: 0,
  'key-compromise': 1,
  'affiliation-changed': 3,
  superseded: 4,
  'cessation-of-operation': 5,
};

export async function revokeCertificate(
  context: Context,
  options: { readonly reason?: string },
  name: string,
): Promise<number> {
  const written = options.reason ?? 'unspecified';
  const reason = Object.hasOwn(REASONS, written) ? REASONS[written] : undefined;
  if (reason === undefined)
    throw new SeawallError('input', `--reason ${written} is none`, {
      hint: `Write one of ${Object.keys(REASONS).join(', ')}`,
    });
  return withCertificates(context, async (session, progress, statuses) => {
    const found = findCertificate(statuses, name);
    refuseGiven(found, 'revoke');
    const [first = ''] = found.names;
    if (found.kind !== found.source)
      throw new SeawallError('refused', `${first} has no certificate of ${found.wanted} yet`, {
        hint: 'See: seawall cert ls',
      });
    progress.pause();
    const text = `Revoke the certificate of ${found.issuer} for ${found.names.join(', ')}? It cannot be taken back.`;
    if (!(await confirm(context, { command: 'cert revoke', text }))) {
      await print(context, 'Nothing was changed.\n');
      return EXIT.interrupted;
    }
    const outcome = await ask(session, found, 'revoke', reason);
    progress.close();
    return showOutcomes(context, [outcome], 'See what takes its place: seawall cert ls\n');
  });
}

export async function rollAccount(context: Context, _options: unknown, name: string): Promise<number> {
  return withCertificates(context, async (session, progress, statuses) => {
    const found = findCertificate(statuses, name);
    if (found.source !== 'acme')
      throw new SeawallError('refused', `the certificate of ${name} is not ordered: there is no account`, {
        hint: 'See where each comes from: seawall cert ls',
      });
    const outcome = await ask(session, found, 'roll-account');
    progress.close();
    return showOutcomes(context, [outcome], 'Certificates are as they were.\n');
  });
}

const TITLES = {
  renew: 'renew',
  rehearse: 'rehearse',
  revoke: 'revoke',
  'roll-account': 'new account key for',
} as const;

async function ask(
  session: Session,
  { id, names: [name = id] }: CertificateStatus,
  kind: keyof typeof TITLES,
  reason?: number,
): Promise<Outcome> {
  const { askForCertificate, clusterOf } = await import('../rollout/index.ts');
  const { client } = clusterOf(session);
  const { signal, report } = session;
  const step = { id: `cert ${id}`, title: `${TITLES[kind]} ${name}` };
  const asked = { id, kind, ...(reason === undefined ? {} : { reason }) };
  const { ok, text } = await reportStep(report, step, (note) =>
    askForCertificate(client, asked, { signal, note }),
  );
  return { name, ok, text };
}

async function showOutcomes(context: Context, outcomes: readonly Outcome[], end: string): Promise<number> {
  const { style, options } = context;
  const lines = outcomes.map(({ name, ok, text }) => {
    const mark = ok ? style('green', '✔') : style('red', '✘');
    return `${mark} ${style('bold', name)}: ${printable(text)}\n`;
  });
  await (options.json ? printJson(context, outcomes) : print(context, `${lines.join('')}${end}`));
  return outcomes.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
}

/** The certificate that has a name. @throws SeawallError `input`, with what was probably meant. */
export function findCertificate(statuses: readonly CertificateStatus[], name: string): CertificateStatus {
  const wanted = name.toLowerCase();
  const found =
    statuses.find(({ id }) => id === wanted) ??
    statuses.find(({ names }) => names[0] === wanted) ??
    statuses.find(({ names }) => names.includes(wanted));
  if (found !== undefined) return found;
  const meant = nearestName(
    wanted,
    statuses.flatMap(({ names }) => names),
  );
  throw new SeawallError('input', `there is no certificate for "${name}"`, {
    hint: meant === undefined ? 'See what there is: seawall cert ls' : `Did you mean ${meant}?`,
  });
}

/** What the user gave is renewed and revoked where it came from. */
function refuseGiven({ source, names, projects }: CertificateStatus, kind: keyof typeof TITLES): void {
  const [name = ''] = names;
  if (source === 'internal' && kind === 'rehearse')
    throw new SeawallError('refused', `${name} is of the private CA, which needs no rehearsal`, {
      hint: `Renew it: seawall cert renew ${name}`,
    });
  if (source !== 'files') return;
  const isManual = projects.includes(MANUAL);
  throw new SeawallError(
    'refused',
    `the certificate of ${name} was given: only who issued it can ${kind === 'revoke' ? 'revoke' : 'renew'} it`,
    {
      hint: isManual
        ? `Then: seawall cert import ${name} --cert FILE --key FILE`
        : 'Then put the new files where seawall.yml says, and: seawall deploy',
    },
  );
}
