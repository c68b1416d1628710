import type { DesiredCertificate } from '../compose/desired.ts';

/** Who issues a certificate, such as `letsencrypt, then example-ca`. */
export function issuerWords({ source, issuers }: Pick<DesiredCertificate, 'source'> & Named): string {
  if (source === 'internal') return 'the private CA';
  if (source === 'files') return 'the given certificate';
  return issuers.map(({ name }) => name).join(', then ');
}

interface Named {
  readonly issuers: readonly { readonly name: string }[];
}
