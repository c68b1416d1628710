import { type Command, Option } from 'commander';
import type { RevocationReason } from '../certs/index.ts';
import { type ExportFlags, exportRoot } from './ca-export.ts';
import { init } from './ca-init.ts';
import { issue } from './ca-issue.ts';
import { type RevokeFlags, revoke } from './ca-revoke.ts';
import { type AuthoritySession, describeAuthority, readViews, withAuthorities } from './ca-session.ts';
import { listsView, viewIssued } from './ca-view.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { collect } from './option-values.ts';
import { print, printJson } from './output.ts';

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
    .addHelpText(
      'after',
      `
Those of routes and services, and those that hosts keep, are renewed by themselves: RENEWAL says when. Others say "renew it" when two
thirds of their life have passed: issue them again.

Example:
  seawall ca ls`,
    )
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
A route's or a service's own certificate is issued anew with: seawall cert renew NAME. One that a host keeps is not kept any more;
its files stay.

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
    .option('--out <dir>', 'folder of this machine for NAME.crt, NAME.key and ca.crt; nobody renews them')
    .option('--dir <dir>', 'with --host: folder of the host for them; they are renewed there by themselves')
    .option(
      '--reload <container>',
      'with --dir: container of the host to tell after each renewal, NAME[:SIGHUP|SIGUSR1|SIGUSR2|restart] (default: nobody; without a colon SIGHUP)',
    )
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

With --host and --dir the host's agent keeps the files and renews them until: seawall ca revoke NAME. The files are links into
DIR/.seawall, so that key and certificate change together: give programs the folder, not single files of it.

Example:
  seawall ca issue registry.internal 10.0.0.5 --out certs
  seawall ca issue ann@example.internal --client --out ann
  seawall ca issue registry.internal --host app1 --dir /etc/registry/tls --reload registry:restart`,
    )
    .action(bind(issue));
}

async function list(context: Context, session: AuthoritySession): Promise<number> {
  const { authority, issued } = await readViews(session);
  const { readRevocation } = await import('../rollout/index.ts');
  const found = await readRevocation(session.client, session.signal, session.now);
  const lists = found && listsView(found);
  const view = authority && (await describeAuthority(authority));
  session.progress.close();
  await (context.options.json
    ? printJson(context, { authority: view ?? null, issued, lists: lists ?? null })
    : print(context, viewIssued(view, { issued, lists }, session.now, context.style)));
  return EXIT.done;
}
