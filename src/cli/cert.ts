import type { Command } from 'commander';
import { importCertificate, issueCertificate, removeCertificate } from './cert-manual.ts';
import { renewCertificates, revokeCertificate, rollAccount } from './cert-request.ts';
import { viewCertificates } from './cert-view.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .command('ls')
    .description('List the certificates: names, issuer, expiry, next renewal, what failed last.')
    .addHelpText(
      'after',
      `
Of the whole cluster. Exits with ${EXIT.failed} when one has expired, was not renewed in time, failed to be ordered, or is missing on an edge; with 0
while a first order is under way.

Examples:
  seawall cert ls
  seawall cert ls --json`,
    )
    .action(bind(list));
  command
    .command('issue')
    .description('Order a certificate for names that no route has.')
    .argument('<name...>', 'domains; the first one is what it is called by. "*.example.com" is proven by DNS')
    .option(
      '--issuer <issuer>',
      'letsencrypt, letsencrypt-staging, internal, a name under tls: issuers:, or the address of a directory (default: those of seawall.yml)',
    )
    .option('--challenge <kind>', 'http or dns (default: as seawall.yml says; dns for a wildcard)')
    .option('--key <kind>', 'ecdsa, rsa or both (default: as seawall.yml says)')
    .addHelpText(
      'after',
      `
It is renewed like any other, until: seawall cert rm NAME. Names of routes need no command: seawall deploy.

Examples:
  seawall cert issue mail.example.com
  seawall cert issue registry.internal --issuer internal`,
    )
    .action(bind(issueCertificate));
  command
    .command('renew')
    .description('Renew certificates now, although they are not due.')
    .argument('[name]', "a domain of the certificate (default: all of this project's that are ordered)")
    .option('--dry-run', 'only rehearse, on the staging directory of the issuer; changes nothing')
    .addHelpText(
      'after',
      `
Certificates are renewed by themselves when they are due; this is for a key that may be known to others, and to try a new setting.
An issuer gives one set of names few certificates a week (Let's Encrypt: 5). Exits with ${EXIT.failed} when one failed.

Examples:
  seawall cert renew --dry-run
  seawall cert renew polls.example.com`,
    )
    .action(bind(renewCertificates));
  command
    .command('revoke')
    .description('Have the issuer declare a certificate void.')
    .argument('<name>', 'a domain of the certificate')
    .option(
      '--reason <reason>',
      'unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation (default: unspecified)',
    )
    .addHelpText(
      'after',
      `
Browsers then refuse it, some at once, some after days. As long as a route or cert issue wants one, a new one with a new key takes its place.

Example:
  seawall cert revoke polls.example.com --reason key-compromise`,
    )
    .action(bind(revokeCertificate));
  command
    .command('roll-account')
    .description('Give the accounts at the issuers of a certificate a new key.')
    .argument('<name>', 'a domain of the certificate')
    .addHelpText(
      'after',
      `
For a cluster key that may be known to others. Certificates and their keys stay: see cert renew. All certificates of the same issuers
share the account.

Example:
  seawall cert roll-account polls.example.com`,
    )
    .action(bind(rollAccount));
  command
    .command('import')
    .description('Keep a certificate that you have, for a name that no route has yet.')
    .argument('<name>', 'a domain of the certificate')
    .requiredOption('--cert <file>', 'certificate (PEM), the one of the domain first, then its issuers')
    .requiredOption('--key <file>', 'its private key (PEM, without a passphrase)')
    .addHelpText(
      'after',
      `
Edges serve the certificates of their routes: it is kept until a route gets the name, which is then served with it from its first moment
until there is one as seawall.yml says. For the domain of a route write it there: tls: { certificate: FILE, key: FILE }. The key is
sealed before it leaves this machine. It is not renewed: import the next one in time, under the same name.

Example:
  seawall cert import shop.example.com --cert shop.pem --key shop.key`,
    )
    .action(bind(importCertificate));
  command
    .command('rm')
    .description('Take away a certificate that was issued or imported by hand.')
    .argument('<name>', 'the name it is called by')
    .addHelpText('after', '\nExample:\n  seawall cert rm mail.example.com')
    .action(bind(removeCertificate));
}

async function list(context: Context): Promise<number> {
  const project = await readProject(context);
  return withSession(context, project, progressView(context), async (session) => {
    const { clusterOf, isBad, readCertificates } = await import('../rollout/index.ts');
    const { client } = clusterOf(session);
    const { terminal, style, signal, options } = context;
    const statuses = await readCertificates(client, signal, terminal.now);
    await (options.json
      ? printJson(context, statuses)
      : print(context, viewCertificates(statuses, terminal.now(), style)));
    return statuses.some(isBad) ? EXIT.failed : EXIT.done;
  });
}
