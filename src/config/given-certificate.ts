import type { DesiredCertificate } from '../compose/desired.ts';
import { certificateId, coversDomain } from '../names.ts';
import type { KeyPath } from '../problems.ts';
import type { TlsContext } from './tls-context.ts';
import type { RouteTlsMap } from './tls-schema.ts';

/** Nobody renews a given certificate but its owner, who wants to be told in time. */
const WARN_MS = 30 * 86_400_000;

/** Settings that say how a certificate is ordered: a given one is not. */
const ORDERING = ['email', 'issuers', 'profile', 'challenge', 'dns', 'names', 'wildcard'] as const;

/** A certificate that the user has. Chain and key are put aside as a secret; undefined when something is wrong. */
export function settleGiven(
  domain: string,
  own: RouteTlsMap,
  path: KeyPath,
  context: TlsContext,
): DesiredCertificate | undefined {
  const { report, parts } = context;
  const { certificate: file = '', key: keyFile } = own;
  const stray = ORDERING.find((key) => own[key] !== undefined);
  if (stray !== undefined) {
    report(
      [...path, stray],
      `"${stray}" is for certificates that are ordered`,
      'Remove it, or "certificate".',
      {
        what: 'key',
      },
    );
    return undefined;
  }
  if (keyFile === undefined) {
    report([...path, 'certificate'], 'there is no "key" to the certificate', 'Add key: with its file.', {
      what: 'key',
    });
    return undefined;
  }
  const chain = context.readFile([...path, 'certificate'], file);
  const key = context.readFile([...path, 'key'], keyFile);
  if (chain === undefined || key === undefined) return undefined;
  const shown = parts.show(context.fileAt([...path, 'certificate'], file));
  const found = parts.inspectPair(chain, key);
  if ('text' in found) {
    report([...path, 'certificate'], `${shown}: ${found.text}`, found.remedy);
    return undefined;
  }
  if (!found.names.some((name) => coversDomain(name, domain))) {
    const names = found.names.join(', ') || 'no domain at all';
    report([...path, 'certificate'], `${shown} is for ${names}, not for ${domain}`, 'Name the file that is.');
    return undefined;
  }
  if (Date.parse(found.notAfter) - parts.now.getTime() < WARN_MS)
    report(
      [...path, 'certificate'],
      `${shown} expires on ${found.notAfter}`,
      'Have it renewed, then deploy again.',
      {
        severity: 'warning',
      },
    );
  const names = [domain, ...found.names.filter((name) => name !== domain).sort()];
  return {
    id: certificateId(domain),
    names,
    source: 'files',
    issuers: [],
    challenge: 'http',
    keys: [found.keyType],
    files: context.keepSecret(JSON.stringify({ chain, key })),
  };
}
