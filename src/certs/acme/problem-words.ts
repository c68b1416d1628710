/** What people read of an ACME server's problems. */

const PREFIX = 'urn:ietf:params:acme:error:';
const MOST_CHARACTERS = 600;

/** `rateLimited` of `urn:ietf:params:acme:error:rateLimited`; undefined for other types. */
export const problemName = (type: string | undefined): string | undefined =>
  type?.startsWith(PREFIX) ? type.slice(PREFIX.length) : undefined;

/** A server's words on one line, without signs that a terminal obeys, 600 characters at the most. */
export function plainText(text: string): string {
  const line = text
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  return line.length <= MOST_CHARACTERS ? line : `${line.slice(0, MOST_CHARACTERS)}…`;
}

/** What to do about each type (RFC 8555 section 6.7, RFC 9773 section 7.4, draft-aaron-acme-profiles section 6). */
const HINTS: Readonly<Record<string, string>> = {
  accountDoesNotExist: 'The CA does not know the account key. A new account is made with the next order.',
  alreadyReplaced: 'Another order replaced the certificate; order again without naming it.',
  badCSR: 'The CA does not take this request: look at the names and the kind of key.',
  badPublicKey: 'The CA does not take this kind of key; leave `keys` at ecdsa.',
  badRevocationReason: 'Give one of the reasons 0, 1, 3, 4 or 5.',
  caa: 'A CAA record of the name forbids this CA. Change the record, or choose another CA.',
  connection:
    'The CA could not connect. Port 80 of every address of the name must reach an edge; look at A and AAAA records and at firewalls in front.',
  dns: 'Look at the DNS of the name from outside: dig NAME A; dig NAME AAAA; dig _acme-challenge.NAME TXT',
  externalAccountRequired:
    'This CA wants an external account binding: give the key id and the key that you got from it with the issuer in seawall.yml.',
  incorrectResponse:
    'Something else answers /.well-known/acme-challenge/ for the name, or the TXT record is another. Every address of the name must lead to an edge.',
  invalidContact: 'Look at tls.email in seawall.yml.',
  invalidProfile:
    'The CA does not offer this profile for these names; leave `profile` out or take one that it offers.',
  rejectedIdentifier: 'The CA gives no certificate for this name.',
  tls: 'The CA met HTTPS that it could not speak; the challenge path must not lead to another server.',
  unauthorized:
    'Every address of the name must lead to an edge, and nothing in front may answer /.well-known/acme-challenge/.',
  unsupportedIdentifier: 'The CA gives no certificates for this kind of name.',
};

/** `unauthorized` is said of names that were not proven, and of accounts whose binding is not right. */
const UNBOUND =
  'The CA does not take the account. Where it wants an external account binding: look whether key_id and the key in key_file (eab in seawall.yml) are as the CA gave them.';

/**
 * The next thing to do.
 * @param problem.what was asked, such as `an account`.
 * @param retryAfterMs what the server asked for.
 */
export function problemHint(
  problem: {
    readonly what?: string;
    readonly type?: string;
    readonly status?: number;
    readonly instance?: string;
  },
  retryAfterMs: number | undefined,
): string {
  const name = problemName(problem.type);
  if (name === 'rateLimited' || problem.status === 429) {
    return `The CA allows it again ${inWords(retryAfterMs)}; until then the certificate that is there is served. Its limits are in its documentation.`;
  }
  if (name === 'userActionRequired') {
    const page = problem.instance === undefined ? '' : `: ${plainText(problem.instance)}`;
    return `The CA wants something from the account's owner first, such as agreeing to new terms${page}`;
  }
  if (name === 'unauthorized' && problem.what === 'an account') return UNBOUND;
  const hint = name === undefined ? undefined : HINTS[name];
  if (hint !== undefined) return hint;
  if (problem.status !== undefined && problem.status >= 500) {
    return `It is the CA's trouble, try again ${inWords(retryAfterMs)}.`;
  }
  return 'See: seawall cert ls';
}

function inWords(ms: number | undefined): string {
  if (ms === undefined) return 'later';
  const minutes = Math.ceil(ms / 60_000);
  if (minutes <= 1) return 'in a minute';
  return minutes < 120 ? `in ${minutes} minutes` : `in ${Math.ceil(minutes / 60)} hours`;
}
