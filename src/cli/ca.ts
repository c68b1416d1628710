import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { RevocationReason } from '../certs/index.ts';
import { SeawallError } from '../errors.ts';
import { refuseOverwrite, writeOutputs } from './ca-files.ts';
import { init } from './ca-init.ts';
import { issue } from './ca-issue.ts';
import { type AuthoritySession, describeAuthority, presentAuthority, withAuthorities } from './ca-session.ts';
import { type IssuedView, issuedView, viewIssued, viewRevocation } from './ca-view.ts';
import { confirm } from './confirm.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { collect } from './option-values.ts';
import { print, printJson } from './output.ts';
import { requireName } from './project.ts';

/** As in `REVOCATION_REASONS`, which is loaded only when something is revoked. */
const REASONS: readonly RevocationReason[] = [
  'unspecified',
  'key-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
];

export function define(command: Command, bind: Bind): void {
  defineInit(command, bind);
  defineIssue(command, bind);
  command
    .command('ls')
    .description('List what the private CA issued, and how it is.')
    .addHelpText('after', '\nExample:\n  seawall ca ls')
    .action(bind((context) => withAuthorities(context, 'ca ls', (session) => list(context, session))));
  command
    .command('revoke')
    .argument('<certificate>', 'serial number, or a name: then all that are valid for it')
    .addOption(
      new Option('--reason <reason>', 'what the list says of it').choices(REASONS).default(REASONS[0]),
    )
    .description('Revoke certificates: the list that the edges serve says so at once.')
    .addHelpText(
      'after',
      `
Clients that look at the list refuse what stands in it; many look only when they are told to (nginx ssl_crl, openssl -crl_check).
A route's own certificate is issued anew with: seawall cert renew DOMAIN

Example:
  seawall ca revoke registry.internal --reason key-compromise`,
    )
    .action(
      bind((context, flags: RevokeFlags, which: string) =>
        withAuthorities(context, 'ca revoke', (session) => revoke(context, session, flags, which)),
      ),
    );
  command
    .command('export')
    .description('Print the root certificate, which clients have to trust. No key ever leaves the catalog.')
    .option('--out <file>', 'write it there')
    .option('--crl', 'the revocation list instead, as PEM')
    .option('--force', 'replace a file that is there')
    .addHelpText(
      'after',
      `
Example:
  seawall ca export --out ca.crt
  seawall ca export > /usr/local/share/ca-certificates/seawall.crt && update-ca-certificates`,
    )
    .action(
      bind((context, flags: ExportFlags) =>
        withAuthorities(context, 'ca export', (session) => exportRoot(context, session, flags)),
      ),
    );
}

function defineInit(command: Command, bind: Bind): void {
  command
    .command('init')
    .description("Make the cluster's private CA, or show the one that is there.")
    .option(
      '--permit <name>',
      'issue only for this DNS name and below, or these addresses (CIDR); repeatable',
      collect,
    )
    .option('--crl-host <host>', "domain from which what is no route's certificate has its revocation list")
    .option('--name <text>', 'for people, in trust stores (default: Seawall)')
    .option('--replace', 'give the present one up: its key leaked, or it should have other limits')
    .addHelpText(
      'after',
      `
A CA that is trusted can vouch for any name, your bank's too. With --permit its own certificate limits it, and clients hold it to
that: somebody who gets its key can pretend to be your servers, and nobody else. Without --permit it may issue for any name, as
interim certificates of public domains need it. The limits never change afterwards.

Seawall makes a CA by itself, without limits, when something first needs one (tls: internal, domains whose DNS is not there yet).

Example:
  seawall ca init --permit example.internal --permit 10.0.0.0/8`,
    )
    .action(bind(init));
}

function defineIssue(command: Command, bind: Bind): void {
  command
    .command('issue')
    .argument('<name...>', 'DNS names and IP addresses; the first one names the files')
    .requiredOption('--out <dir>', 'folder for NAME.crt, NAME.key and ca.crt')
    .option('--days <n>', 'how long it is valid (default: 90)')
    .option('--rsa', 'an RSA key (2048 bits) instead of ECDSA P-256, for old clients')
    .option('--client', 'for a client that shows it, not for a server; names may be mail addresses')
    .option('--csr <file>', 'certify the key of this request: it stays where it is')
    .option('--force', 'replace files that are there')
    .description('Issue a certificate for a server or a client of your own.')
    .addHelpText(
      'after',
      `
The key is written with mode 0600 and shown nowhere. Of a request only the key is taken; names and purpose are what is typed here.

Example:
  seawall ca issue registry.internal 10.0.0.5 --out certs
  seawall ca issue ann@example.internal --client --out ann`,
    )
    .action(bind(issue));
}

async function readViews({ client, clusterKey, signal, now }: AuthoritySession) {
  const { authorityId, listIssued, readAuthority } = await import('../certs/index.ts');
  const [authority, issued] = await Promise.all([
    readAuthority({ client, clusterKey, signal }),
    listIssued(client, { signal }),
  ]);
  const id = authority && authorityId(authority.record);
  return { authority, issued: issued.map((record) => issuedView(record, id, now)) };
}

async function list(context: Context, session: AuthoritySession): Promise<number> {
  const { authority, issued } = await readViews(session);
  const view = authority && (await describeAuthority(authority));
  session.progress.close();
  await (context.options.json
    ? printJson(context, { authority: view ?? null, issued })
    : print(context, viewIssued(view, issued, context.style)));
  return EXIT.done;
}

interface RevokeFlags {
  readonly reason: RevocationReason;
}

async function revoke(
  context: Context,
  session: AuthoritySession,
  { reason }: RevokeFlags,
  which: string,
): Promise<number> {
  const { renewRevocationList, revokeSerial } = await import('../certs/index.ts');
  const authority = await presentAuthority(session);
  const { json } = context.options;
  const chosen = chooseIssued((await readViews(session)).issued, which);
  session.progress.pause();
  if (!json) await print(context, viewRevocation(chosen, context.style));
  if (!(await confirm(context, { command: 'ca revoke', text: 'Revoke?' }))) {
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  }
  for (const { serial } of chosen) await revokeSerial({ ...session, serial, reason });
  const { number, nextUpdate } = await renewRevocationList({ ...session, authority });
  session.progress.close();
  const revoked = chosen.map(({ serial }) => serial);
  await (json
    ? printJson(context, {
        revoked,
        reason,
        crlNumber: Number(number),
        crlNextUpdate: nextUpdate.toISOString(),
      })
    : print(
        context,
        `Revoked. The list (number ${number}) says so; clients that have the one before keep it for up to 7 days.\n`,
      ));
  return EXIT.done;
}

/** By serial number, as any tool writes it, or all that are valid for a name. @throws SeawallError `input` */
function chooseIssued(issued: readonly IssuedView[], which: string): IssuedView[] {
  const word = which.toLowerCase();
  const serial = word.replaceAll(':', '');
  const bySerial = issued.find((each) => each.serial === serial);
  if (bySerial?.state === 'valid') return [bySerial];
  if (bySerial !== undefined) {
    throw new SeawallError('input', `${serial} is ${bySerial.state} already`, { hint: 'See: seawall ca ls' });
  }
  const valid = issued.filter(({ state }) => state === 'valid');
  const byName = valid.filter(({ names }) => names.some((name) => name.toLowerCase() === word));
  if (byName.length === 0)
    requireName('valid certificate', which, [...new Set(valid.flatMap(({ names }) => names))]);
  return byName;
}

interface ExportFlags {
  readonly out?: string;
  readonly crl?: boolean;
  readonly force?: boolean;
}

async function exportRoot(
  context: Context,
  session: AuthoritySession,
  { out, crl = false, force = false }: ExportFlags,
): Promise<number> {
  const { authorityTrust, renewRevocationList } = await import('../certs/index.ts');
  const path = out === undefined ? undefined : resolve(context.terminal.cwd, out);
  if (path !== undefined) await refuseOverwrite([path], force);
  const authority = await presentAuthority(session);
  const view = await describeAuthority(authority);
  const { der, number, nextUpdate } = await renewRevocationList({ ...session, authority });
  const pem = crl ? listPem(der) : authorityTrust(authority.record);
  if (path !== undefined) await writeOutputs([{ path, text: pem, mode: 0o644 }]);
  session.progress.close();
  const value = crl
    ? { crl: pem, crlNumber: Number(number), crlNextUpdate: nextUpdate.toISOString() }
    : { certificate: pem, fingerprint: view.fingerprint, notAfter: view.rootNotAfter };
  if (context.options.json) await printJson(context, { ...value, file: path ?? null });
  else await print(context, path === undefined ? pem : `Written to ${path}\n`);
  return EXIT.done;
}

/** RFC 7468 section 6. */
const listPem = (der: Uint8Array): string =>
  `-----BEGIN X509 CRL-----\n${(
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END X509 CRL-----\n`;
