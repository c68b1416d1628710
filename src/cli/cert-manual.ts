import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type CertificateFiles, MANUAL } from '../catalog/tls-record.ts';
import { type CertificateFact, inspectPair, uncovered } from '../certificate-pair.ts';
import type { DesiredCertificate } from '../compose/desired.ts';
import type { CertificateSettings } from '../config/index.ts';
import { SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { certificateId, isDomain } from '../names.ts';
import { reportStep } from '../progress.ts';
import type { CertificateStatus, Session } from '../rollout/index.ts';
import { findCertificate } from './cert-request.ts';
import { certificateWords, keptWords } from './cert-words.ts';
import { confirm } from './confirm.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { type ProgressView, progressView } from './progress.ts';
import { readProject, withSession } from './project.ts';

export interface IssueOptions {
  readonly issuer?: string;
  readonly challenge?: string;
  readonly key?: string;
}

/** `cert issue`: a certificate that no route names, with the settings of seawall.yml unless the options say otherwise. */
export async function issueCertificate(
  context: Context,
  options: IssueOptions,
  names: readonly string[],
): Promise<number> {
  const project = await readProject(context);
  const certificate = await chosenCertificate(project.config.certificates, options, names);
  const progress = progressView(context);
  return withSession(context, project, progress, (session) =>
    addCertificate(context, session, progress, certificate, project.desired.certificateSecrets ?? {}),
  );
}

/** What is to be ordered. @throws SeawallError `input` for what cannot be. */
export async function chosenCertificate(
  settings: CertificateSettings,
  { issuer, challenge, key }: IssueOptions,
  written: readonly string[],
): Promise<DesiredCertificate> {
  const { asksPublicIssuer, findIssuer, isPublicName } = await import('../config/index.ts');
  const names = [...new Set(written.map(requireDomain))];
  const keys = keysOf(key) ?? settings.keys;
  const base = { id: certificateId(names[0] ?? ''), names, keys };
  if (issuer === 'internal' || (issuer === undefined && settings.source === 'internal'))
    return { ...base, source: 'internal', issuers: [], challenge: 'http' };
  const asked = issuer === undefined ? settings.issuers : [findIssuer(issuer, settings.issuers)];
  const issuers = asked.filter((each) => each !== undefined);
  if (issuers.length < asked.length || issuers.length === 0)
    throw new SeawallError('input', `there is no issuer "${issuer}"`, {
      hint: 'Write letsencrypt, internal, a name under tls: issuers: of seawall.yml, or https://… of a directory.',
    });
  const kind = challenge ?? (names.some((name) => name.startsWith('*.')) ? 'dns' : settings.challenge);
  if (kind !== 'http' && kind !== 'dns')
    throw new SeawallError('input', `--challenge ${kind} is none`, { hint: 'Write http or dns.' });
  if (kind === 'http' && names.some((name) => name.startsWith('*.')))
    throw new SeawallError('input', 'a wildcard cannot be proven by HTTP', { hint: 'Write --challenge dns' });
  if (kind === 'dns' && settings.dns === undefined)
    throw new SeawallError('input', 'nothing says how records get into the DNS', {
      hint: 'Write tls: { challenge: dns, dns: … } in seawall.yml: seawall docs tls.dns',
    });
  const stranger = asksPublicIssuer({ issuers }) ? names.find((name) => !isPublicName(name)) : undefined;
  if (stranger !== undefined)
    throw new SeawallError('input', `no public CA issues certificates for ${stranger}`, {
      hint: 'It is no name of the public DNS. For the private CA: --issuer internal',
    });
  const dns = kind === 'dns' && settings.dns !== undefined ? { dns: settings.dns } : {};
  return { ...base, source: 'acme', issuers, challenge: kind, ...dns };
}

function requireDomain(written: string): string {
  const name = written.toLowerCase();
  if (isDomain(name.replace(/^\*\./, ''))) return name;
  throw new SeawallError('input', `"${written}" is no domain`, { hint: 'Such as mail.example.com' });
}

function keysOf(word: string | undefined): DesiredCertificate['keys'] | undefined {
  if (word === undefined) return undefined;
  if (word === 'both') return ['ecdsa', 'rsa'];
  if (word === 'ecdsa' || word === 'rsa') return [word];
  throw new SeawallError('input', `--key ${word} is no kind of key`, { hint: 'Write ecdsa, rsa or both.' });
}

/** `cert import`: a given certificate for a name that no route has yet. */
export async function importCertificate(
  context: Context,
  options: { readonly cert: string; readonly key: string },
  written: string,
): Promise<number> {
  const name = requireDomain(written);
  const chain = await readText(context, '--cert', options.cert);
  const key = await readText(context, '--key', options.key);
  const found = inspectPair(chain, key, new Date(context.terminal.now()));
  const fact = requireFit(found, name, options.cert);
  const text = JSON.stringify({ chain, key } satisfies CertificateFiles);
  const files = sha256(text);
  const certificate: DesiredCertificate = {
    id: certificateId(name),
    names: [name, ...fact.names.filter((each) => each !== name).sort()],
    ...{ source: 'files', issuers: [], challenge: 'http', keys: [fact.keyType], files },
  };
  const project = await readProject(context);
  const progress = progressView(context);
  return withSession(context, project, progress, (session) =>
    addCertificate(context, session, progress, certificate, { [files]: text }),
  );
}

function requireFit(found: ReturnType<typeof inspectPair>, name: string, file: string): CertificateFact {
  if ('text' in found) throw new SeawallError('input', found.text, { where: file, hint: found.remedy });
  if (uncovered(found.names, [name]).length === 0) return found;
  const names = found.names.join(', ') || 'no domain at all';
  throw new SeawallError('input', `it is for ${names}, not for ${name}`, {
    where: file,
    hint: `Name a domain that it is for: seawall cert import ${found.names[0] ?? 'NAME'} …`,
  });
}

async function readText({ terminal }: Context, option: string, file: string): Promise<string> {
  try {
    return await readFile(resolve(terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new SeawallError('input', `the file of ${option} cannot be read`, {
      where: file,
      hint: 'Name a file that is there and that you may read.',
      cause,
    });
  }
}

async function addCertificate(
  context: Context,
  session: Session,
  progress: ProgressView,
  certificate: DesiredCertificate,
  secrets: Readonly<Record<string, string>>,
): Promise<number> {
  const { addManual, awaitCertificate, clusterOf, isBad, sealWish } = await import('../rollout/index.ts');
  const { client, cluster } = clusterOf(session);
  const { signal, style, options } = context;
  const [name = ''] = certificate.names;
  await addManual(client, sealWish(cluster, certificate, secrets, []), signal);
  const status: CertificateStatus = await reportStep(
    session.report,
    { id: `cert ${certificate.id}`, title: `certificate of ${name}` },
    (note) => awaitCertificate(client, certificate.id, { signal, note }),
  );
  progress.close();
  const [words = '', ...lines] = certificateWords(status, style);
  const mark = status.health === 'ok' ? style('green', '✔') : style('yellow', '!');
  const text = [
    `${mark} ${style('bold', name)}: ${words}`,
    ...[...lines, ...keptWords(status, style)].map((line) => `  ${line}`),
  ];
  await (options.json ? printJson(context, status) : print(context, `${text.join('\n')}\n`));
  return isBad(status) ? EXIT.failed : EXIT.done;
}

/** `cert rm`: what routes name goes with the route. */
export async function removeCertificate(
  context: Context,
  _options: object,
  written: string,
): Promise<number> {
  const project = await readProject(context);
  const progress = progressView(context);
  return withSession(context, project, progress, async (session) => {
    const { clusterOf, readCertificates, removeManual } = await import('../rollout/index.ts');
    const { client } = clusterOf(session);
    const { signal, terminal, options, style } = context;
    const found = findCertificate(await readCertificates(client, signal, terminal.now), written);
    const [name = ''] = found.names;
    const owner = found.projects.find((each) => each !== MANUAL);
    if (found.purpose === 'other')
      throw new SeawallError('refused', `${name} is kept on a host, for who serves with it there`, {
        hint: `End that: seawall ca revoke ${name}`,
      });
    if (!found.projects.includes(MANUAL))
      throw new SeawallError('refused', `a route of ${owner} is served with the certificate of ${name}`, {
        hint: `It goes with the route: take that out of the seawall.yml of ${owner}, then: seawall deploy`,
      });
    progress.pause();
    const text = `Take the certificate of ${name} away? It is no longer kept or renewed.`;
    if (!(await confirm(context, { command: 'cert rm', text }))) {
      await print(context, 'Nothing was changed.\n');
      return EXIT.interrupted;
    }
    const removed = await removeManual(client, found.id, signal);
    await (options.json
      ? printJson(context, { name, removed })
      : print(context, `${style('green', '✔')} ${name}: its certificate is gone\n`));
    return EXIT.done;
  });
}
