import { join, resolve } from 'node:path';
import { certificateId } from '../catalog/tls-record.ts';
import type { IssuedCertificate } from '../certs/index.ts';
import { SeawallError } from '../errors.ts';
import { makePrivateFolder, type OutputFile, readInput, refuseOverwrite, writeOutputs } from './ca-files.ts';
import { issueOnHosts } from './ca-issue-host.ts';
import { presentAuthority, withAuthorities } from './ca-session.ts';
import { type IssuedFiles, issuedView, viewIssue } from './ca-view.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { parseCount } from './option-values.ts';
import { print, printJson } from './output.ts';

export interface IssueFlags {
  readonly out?: string;
  readonly dir?: string;
  readonly reload?: string;
  readonly days?: string;
  readonly rsa?: boolean;
  readonly client?: boolean;
  readonly csr?: string;
  readonly force?: boolean;
}

/** `seawall ca issue`: what is wrong with the names or the files is found before a host is asked. */
export async function issue(context: Context, flags: IssueFlags, names: readonly string[]): Promise<number> {
  if (context.options.hosts.length > 0 || flags.dir !== undefined) return issueOnHosts(context, flags, names);
  const { days, csr, force = false, out } = flags;
  if (out === undefined || flags.reload !== undefined) {
    throw new SeawallError(
      'input',
      out === undefined ? 'it is not said where to put it' : '--reload goes with --host and --dir',
      {
        hint: 'Write --out DIR for a folder here, or --host NAME --dir DIR for one of a host, where it is renewed.',
      },
    );
  }
  if (flags.rsa && csr !== undefined) {
    throw new SeawallError('input', '--rsa says which key to make, and with --csr none is made', {
      hint: 'Leave --rsa out.',
    });
  }
  const certs = await import('../certs/index.ts');
  const subjects = names.map(certs.parseSubject);
  const { cwd } = context.terminal;
  const files = filesIn(resolve(cwd, out), subjects[0]?.value ?? '', csr === undefined);
  await refuseOverwrite([files.certificate, ...(files.key === null ? [] : [files.key])], force);
  const order = {
    names,
    purpose: flags.client ? ('client' as const) : ('other' as const),
    keyType: flags.rsa ? ('rsa' as const) : ('ecdsa' as const),
    ...(days === undefined ? {} : { days: parseCount('--days', days) }),
    ...(csr === undefined ? {} : { csr: requestOf(await readInput('--csr', resolve(cwd, csr))) }),
  };
  return withAuthorities(context, 'ca issue', async (session) => {
    const { client, signal, now } = session;
    const { userName } = await import('../rollout/index.ts');
    const authority = await presentAuthority(session);
    const root = certs.authorityTrust(authority.record);
    await refuseOtherRoot(files.ca, root, force);
    const { crlHost } = authority.record;
    const issued = await certs.issueCertificate(authority, {
      ...order,
      now,
      ...(crlHost === undefined ? {} : { crlUrl: certs.revocationListUrl(crlHost) }),
    });
    await makePrivateFolder(resolve(cwd, out));
    const record = await certs.recordIssued(client, authority, issued, { by: userName(), signal });
    await writeOutputs(outputs(files, issued, root));
    const view = issuedView(record, record.authority, now);
    session.progress.close();
    await (context.options.json
      ? printJson(context, { ...view, files })
      : print(context, viewIssue(view, files, crlHost ?? null, context.style)));
    return EXIT.done;
  });
}

function filesIn(folder: string, name: string, makesKey: boolean): IssuedFiles {
  // A name of a mail address may hold what a folder's name would be.
  const base = certificateId(name).replaceAll('/', '_');
  return {
    certificate: join(folder, `${base}.crt`),
    key: makesKey ? join(folder, `${base}.key`) : null,
    ca: join(folder, 'ca.crt'),
  };
}

/** The root that stands there from earlier is replaced by the same one only. */
async function refuseOtherRoot(path: string, root: string, force: boolean): Promise<void> {
  const present = await readInput('--out', path).catch(() => undefined);
  if (present?.toString('utf8') !== root) await refuseOverwrite([path], force);
}

/** PEM as text, DER as it is. */
const requestOf = (bytes: Buffer): string | Uint8Array =>
  bytes.includes('-----BEGIN') ? bytes.toString('utf8') : bytes;

/** The key first: a certificate without its key is of no use to anybody who finds it. */
const outputs = (files: IssuedFiles, { key, chain }: IssuedCertificate, root: string): OutputFile[] => [
  ...(files.key === null || key === undefined ? [] : [{ path: files.key, text: key, mode: 0o600 }]),
  { path: files.certificate, text: chain, mode: 0o644 },
  { path: files.ca, text: root, mode: 0o644 },
];
