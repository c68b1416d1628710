import type { CertificateWish } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import {
  CONTAINER_NAME,
  fileStem,
  folderFault,
  hostCertificateId,
  type KeptCertificate,
  type KeptReload,
  RELOAD_SIGNALS,
} from '../kept-certificate.ts';
import type { IssueFlags } from './ca-issue.ts';
import { presentAuthority, withAuthorities } from './ca-session.ts';
import { viewKeptIssue } from './ca-view.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { parseCount } from './option-values.ts';
import { print, printJson } from './output.ts';
import { readProject, requireName } from './project.ts';

/**
 * `seawall ca issue --host HOST --dir DIR`: hosts keep the certificate, each one of its own with a key of its own, from now on.
 */
export async function issueOnHosts(
  context: Context,
  flags: IssueFlags,
  names: readonly string[],
): Promise<number> {
  const { hosts } = context.options;
  const checked = checkFlags(flags, hosts);
  const { checkOrder, parseSubject } = await import('../certs/index.ts');
  const subjects = names.map((name) => parseSubject(name).value);
  const { config } = await readProject(context);
  for (const host of hosts)
    requireName(
      'host',
      host,
      config.hosts.map(({ name }) => name),
    );
  const orders = hosts.map((host) => ({ host, ...orderFor(host, subjects, checked) }));
  const work: Parameters<typeof withAuthorities>[2] = async (session) => {
    const { issueOnHost, readCertificates } = await import('../rollout/index.ts');
    const authority = await presentAuthority(session);
    await checkOrder(authority, { ...checked.life, names: subjects, purpose: 'other', now: session.now });
    const present = await readCertificates(session.client, session.signal, () => session.now);
    for (const { host, wish } of orders) if (!checked.force) refuseAgain(present, host, wish);
    const issued = [];
    for (const { host, wish, kept } of orders) {
      const { notAfter } = await issueOnHost(session.hosts, {
        host,
        wish,
        kept,
        isNew: !present.some(({ id }) => id === wish.id),
      });
      issued.push({ host, folder: kept.folder, files: kept.files, id: kept.id, notAfter });
    }
    session.progress.close();
    await (context.options.json
      ? printJson(context, { names: subjects, issued })
      : print(context, viewKeptIssue(subjects, issued, context.style)));
    return EXIT.done;
  };
  return withAuthorities(context, 'ca issue', work, { takesHosts: true });
}

interface Checked {
  readonly folder: string;
  readonly keys: CertificateWish['keys'];
  readonly life: { readonly days?: number };
  readonly force: boolean;
  readonly reload: KeptReload | undefined;
}

function checkFlags(flags: IssueFlags, hosts: readonly string[]): Checked {
  const { dir, days, rsa = false, force = false, reload } = flags;
  if (dir === undefined || hosts.length === 0) {
    throw new SeawallError('input', dir === undefined ? '--host goes with --dir' : '--dir goes with --host', {
      hint: 'Write --host NAME --dir DIR: the host, and the folder there. For a folder here: --out DIR',
    });
  }
  const stray = (['out', 'csr', 'client'] as const).find((key) => flags[key] !== undefined);
  if (stray !== undefined) {
    throw new SeawallError('input', `--${stray} is for certificates that nobody renews`, {
      hint: 'With --host and --dir the host has a key and a certificate to serve with. Leave it out, or use --out.',
    });
  }
  const folder = dir.length > 1 ? dir.replace(/\/+$/, '') : dir;
  const fault = folderFault(folder);
  if (fault !== undefined) {
    throw new SeawallError('input', `--dir ${JSON.stringify(dir)} ${fault}`, {
      hint: 'Name a folder of the host for this certificate alone, such as --dir /etc/registry/tls',
    });
  }
  return {
    ...{ folder, force, keys: rsa ? ['rsa'] : ['ecdsa'], reload: parseReload(reload) },
    life: days === undefined ? {} : { days: parseCount('--days', days) },
  };
}

/** `NAME[:SIGNAL]`; `restart` stops and starts it. @throws SeawallError `input` */
export function parseReload(written: string | undefined): KeptReload | undefined {
  if (written === undefined) return undefined;
  const [container = '', how = 'SIGHUP', ...rest] = written.split(':');
  const known = ['restart', ...RELOAD_SIGNALS] as const;
  const signal = known.find((each) => each === how || each === `SIG${how}`);
  if (signal !== undefined && rest.length === 0 && CONTAINER_NAME.test(container))
    return { container, signal };
  throw new SeawallError(
    'input',
    `--reload ${JSON.stringify(written)} names no container and what it is told`,
    {
      hint: `Write --reload NAME, or NAME:SIGNAL with one of ${RELOAD_SIGNALS.join(', ')}, or NAME:restart`,
    },
  );
}

function orderFor(
  host: string,
  names: readonly string[],
  { folder, keys, life, force, reload }: Checked,
): { readonly wish: CertificateWish; readonly kept: KeptCertificate } {
  const [first = ''] = names;
  const id = hostCertificateId(host, first);
  const stem = fileStem(first);
  return {
    wish: {
      ...{ id, names, source: 'internal', issuers: [], challenge: 'http', keys },
      ...{ purpose: 'other', ...life },
    },
    kept: {
      ...{ version: 1, id, folder, uid: 0, gid: 0, replaces: force },
      files: { certificate: `${stem}.crt`, key: `${stem}.key`, trust: 'ca.crt' },
      ...(reload === undefined ? {} : { reload }),
    },
  };
}

/** What is kept already would be moved, or issued for other names. */
function refuseAgain(
  present: readonly { readonly id: string; readonly keptOn: readonly { readonly folder: string }[] }[],
  host: string,
  { id, names }: CertificateWish,
): void {
  const found = present.find((each) => each.id === id);
  if (found === undefined) return;
  const where = found.keptOn[0] === undefined ? '' : ` in ${found.keptOn[0].folder}`;
  throw new SeawallError('refused', `${host} keeps a certificate for ${names[0]} already${where}`, {
    hint: `For a new one: seawall cert renew ${id}. With other names, or in another folder: --force`,
  });
}
