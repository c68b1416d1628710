import type { DesiredIssuer } from '../compose/desired.ts';
import type { KeyPath } from '../problems.ts';
import { type Layer, lookUp, readAuthorities, type TlsContext } from './tls-context.ts';
import type { IssuerInput } from './tls-schema.ts';

/** https://letsencrypt.org/docs/acme-protocol-updates and /docs/staging-environment */
const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';
const LETS_ENCRYPT_STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory';

/** Whether an issuer follows the rules of public CAs. */
export const isPublicIssuer = ({ directory }: Pick<DesiredIssuer, 'directory'>): boolean =>
  directory === LETS_ENCRYPT || directory === LETS_ENCRYPT_STAGING;

/** Who is asked for certificates, in order; `internal` for the private CA; undefined when something is wrong. */
export function settleIssuers(
  layers: readonly Layer[],
  context: TlsContext,
): readonly DesiredIssuer[] | 'internal' | undefined {
  const found = lookUp(layers, 'issuers');
  const written: readonly IssuerInput[] = found?.value ?? ['letsencrypt'];
  const path = found?.path ?? [];
  if (written.includes('internal')) {
    if (written.length === 1) return 'internal';
    context.report(
      path,
      '"internal" stands alone: the private CA serves by itself until an issuer has given a certificate',
      'Write issuers: [internal], or leave it out.',
    );
    return undefined;
  }
  const issuers = written.map((each, at) => settleIssuer(each, [...path, at], layers, context));
  const whole = issuers.filter((each) => each !== undefined);
  if (whole.length < issuers.length) return undefined;
  for (const [at, { directory }] of whole.entries()) {
    if (whole.findIndex((other) => other.directory === directory) === at) continue;
    context.report([...path, at], 'this issuer is in the list already', 'Keep one of them.');
    return undefined;
  }
  return withOwnNames(whole);
}

function settleIssuer(
  written: IssuerInput,
  path: KeyPath,
  layers: readonly Layer[],
  context: TlsContext,
): DesiredIssuer | undefined {
  const own: Partial<Exclude<IssuerInput, string>> = typeof written === 'string' ? {} : written;
  const email = own.email ?? lookUp(layers, 'email')?.value;
  const profile = own.profile ?? lookUp(layers, 'profile')?.value;
  const common = { ...(email === undefined ? {} : { email }), ...(profile === undefined ? {} : { profile }) };
  if (typeof written === 'string')
    return written === 'letsencrypt'
      ? { name: 'letsencrypt', directory: LETS_ENCRYPT, staging: LETS_ENCRYPT_STAGING, ...common }
      : { name: 'letsencrypt-staging', directory: LETS_ENCRYPT_STAGING, ...common };
  const { directory, staging, ca, eab } = written;
  const name = written.name ?? new URL(directory).hostname.toLowerCase();
  const trust = ca === undefined ? undefined : readAuthorities(context, [...path, 'ca'], ca);
  const binding = eab === undefined ? undefined : readBinding(eab, [...path, 'eab'], context);
  if ((ca !== undefined && trust === undefined) || (eab !== undefined && binding === undefined))
    return undefined;
  return {
    name,
    directory,
    ...(staging === undefined ? {} : { staging }),
    ...(trust === undefined ? {} : { trust }),
    ...(binding === undefined ? {} : { binding }),
    ...common,
  };
}

function readBinding(
  { key_id: keyId, key_file: file }: { readonly key_id: string; readonly key_file: string },
  path: KeyPath,
  context: TlsContext,
): string | undefined {
  const key = context.readFile([...path, 'key_file'], file)?.trim();
  if (key === undefined) return undefined;
  if (/^[A-Za-z0-9_-]+={0,2}$/.test(key))
    return context.keepSecret(JSON.stringify({ keyId, key: key.replace(/=+$/, '') }));
  context.report(
    [...path, 'key_file'],
    'the file does not hold a key in base64url alone',
    'Put the HMAC key there as the CA shows it, and nothing else.',
  );
  return undefined;
}

/** Two directories of one host are told apart by a number. */
function withOwnNames(issuers: readonly DesiredIssuer[]): readonly DesiredIssuer[] {
  return issuers.map((each, at) => {
    const twins = issuers.slice(0, at).filter(({ name }) => name === each.name).length;
    return twins === 0 ? each : { ...each, name: `${each.name}-${twins + 1}` };
  });
}

/** The issuer that `tls: staging` means: the rehearsal directory of the first one that has one. */
export function stagingIssuer(issuers: readonly DesiredIssuer[]): DesiredIssuer {
  const first = issuers.find(({ staging }) => staging !== undefined);
  if (first?.staging === undefined) return { name: 'letsencrypt-staging', directory: LETS_ENCRYPT_STAGING };
  const { name, staging, trust, email } = first;
  return {
    name: `${name}-staging`,
    directory: staging,
    ...(trust === undefined ? {} : { trust }),
    ...(email === undefined ? {} : { email }),
  };
}

/**
 * The issuer that a word of the command line means: a name of those configured, `letsencrypt`, `letsencrypt-staging`, or the
 * address of a directory; undefined when it is none.
 */
export function findIssuer(word: string, configured: readonly DesiredIssuer[]): DesiredIssuer | undefined {
  const found = configured.find(({ name, directory }) => name === word || directory === word);
  if (found !== undefined) return found;
  if (word === 'letsencrypt') return { name: word, directory: LETS_ENCRYPT, staging: LETS_ENCRYPT_STAGING };
  if (word === 'letsencrypt-staging') return { name: word, directory: LETS_ENCRYPT_STAGING };
  if (!URL.canParse(word) || new URL(word).protocol !== 'https:') return undefined;
  return { name: new URL(word).hostname.toLowerCase(), directory: word };
}
