import type { AuthorityRecord, IssuedRecord } from '../certs/index.ts';
import type { CertificateStatus, RevocationStatus } from '../rollout/index.ts';
import type { Style } from '../style.ts';
import { printable, table } from './table.ts';

/** The private CA for people and programs; nothing secret is in it. */
export interface AuthorityView {
  readonly name: string;
  /** First 32 hexadecimal digits of the root's SHA-256. */
  readonly id: string;
  /** SHA-256 of the root, hexadecimal. */
  readonly fingerprint: string;
  /** ISO times. */
  readonly createdAt: string;
  readonly rootNotAfter: string;
  readonly intermediateNotAfter: string;
  /** Empty: anything. */
  readonly permitted: readonly string[];
  readonly crlHost: string | null;
}

export interface AuthorityFacts {
  readonly id: string;
  readonly fingerprint: string;
  readonly rootNotAfter: string;
  readonly intermediateNotAfter: string;
}

export function authorityView(record: AuthorityRecord, facts: AuthorityFacts): AuthorityView {
  const { name, createdAt, permitted, crlHost } = record;
  return { name, ...facts, createdAt, permitted, crlHost: crlHost ?? null };
}

export type IssuedState = 'valid' | 'revoked' | 'expired' | 'replaced';
export type IssuedView = Omit<IssuedRecord, 'version'> & {
  readonly state: IssuedState;
  /** What Seawall renews by itself, and where it lies; null: it was given to somebody, or another has taken its place. */
  readonly kept: KeptView | null;
};

/** The private CA's revocation lists. */
export type ListsView = Pick<RevocationStatus, 'nextUpdate' | 'rootNextUpdate' | 'problem'>;

export const listsView = ({ nextUpdate, rootNextUpdate, problem }: RevocationStatus): ListsView => ({
  nextUpdate,
  rootNextUpdate,
  problem,
});

export interface KeptView {
  /** Id of the certificate, whose serial number each renewal changes. */
  readonly id: string;
  /** `edges`: wherever its routes are served. */
  readonly on: readonly { readonly host: string; readonly folder: string }[] | 'edges';
  /** ISO time. */
  readonly renewAt: string | null;
  readonly health: CertificateStatus['health'];
  readonly problem: string | null;
}

/** What was issued, with how it is for a client that trusts the present root. */
export function issuedView(
  record: IssuedRecord,
  authority: string | undefined,
  now: number,
  statuses: readonly CertificateStatus[] = [],
): IssuedView {
  const { version: _version, ...rest } = record;
  const status = statuses.find(({ serials }) => serials.includes(record.serial));
  return {
    ...rest,
    state: stateOf(record, authority, now),
    kept: status === undefined ? null : keptView(status),
  };
}

const keptView = ({ id, purpose, keptOn, renewAt, health, problem }: CertificateStatus): KeptView => ({
  ...{ id, on: purpose === 'route' ? ('edges' as const) : keptOn, renewAt, health, problem },
});

function stateOf(record: IssuedRecord, authority: string | undefined, now: number): IssuedState {
  if (record.revokedAt !== undefined) return 'revoked';
  if (Date.parse(record.notAfter) <= now) return 'expired';
  return record.authority === authority ? 'valid' : 'replaced';
}

const day = (time: string): string => time.slice(0, 10);

/** Two hexadecimal digits at a time, as browsers and `openssl x509 -fingerprint` show it. */
const colons = (hex: string): string => (hex.toUpperCase().match(/../g) ?? []).join(':');

/** `ca init`. Ends with a newline. */
export function viewAuthority(view: AuthorityView, created: boolean, style: Style): string {
  const { name, fingerprint, rootNotAfter, intermediateNotAfter, permitted, crlHost } = view;
  const verb = created ? 'made' : 'there already';
  const rows = [
    ['root', `until ${day(rootNotAfter)}, SHA-256 ${colons(fingerprint)}`],
    ['intermediate', `until ${day(intermediateNotAfter)}; certified again by itself`],
    ['issues for', permitted.length === 0 ? 'any name (no --permit was given)' : permitted.join(', ')],
    [
      'revocations',
      crlHost === null
        ? "on every domain that is served; for what is no route's own: seawall ca init --crl-host DOMAIN"
        : `http://${crlHost}/.well-known/seawall/ca.crl`,
    ],
  ];
  return `${style('green', '✔')} The private CA ${style('bold', printable(name))} is ${verb}.\n${indented(rows, style)}
  Next: seawall ca export --out ca.crt, for the machines that are to trust it
`;
}

const indented = (rows: readonly (readonly string[])[], style: Style): string =>
  `${table(rows.map(([title = '', text = '']) => [`  ${style('dim', title)}`, text]))}\n`;

/** `ca ls`. Ends with a newline. */
export function viewIssued(
  authority: AuthorityView | undefined,
  { issued, lists }: { readonly issued: readonly IssuedView[]; readonly lists?: ListsView | undefined },
  now: number,
  style: Style,
): string {
  if (authority === undefined && issued.length === 0) return 'There is no private CA yet: seawall ca init\n';
  const name =
    authority === undefined
      ? 'The private CA is gone'
      : `${style('bold', printable(authority.name))}: root until ${day(authority.rootNotAfter)}, issues for ${authority.permitted.join(', ') || 'any name'}`;
  const title = [name, ...listLines(lists, style)].join('\n');
  if (issued.length === 0) return `${title}\nIt has issued nothing yet: seawall ca issue NAME --out DIR\n`;
  const heading = ['SERIAL', 'NAMES', 'FOR', 'EXPIRES', 'RENEWAL', 'STATE', 'BY'].map((text) =>
    style('dim', text),
  );
  const rows = issued.map((each) => [
    each.serial,
    printable(each.names.join(', ')),
    each.purpose,
    day(each.notAfter),
    renewalOf(each),
    isDue(each, issued, now) ? style('yellow', 'renew it') : stateText(each, style),
    printable(each.by),
  ]);
  const [head = '', ...lines] = table([heading, ...rows]).split('\n');
  const listed = lines.flatMap((line, at) => [line, ...keptLines(issued[at], style)]);
  return `${title}\n\n${[head, ...listed].join('\n')}\n`;
}

/** How the revocation lists stand: one line, and a second one when something is wrong. */
function listLines(lists: ListsView | undefined, style: Style): string[] {
  if (lists === undefined) return [];
  const { nextUpdate, rootNextUpdate, problem } = lists;
  const end = (time: string | null): string => (time === null ? 'not there' : `until ${day(time)}`);
  const line = `Revocation lists: ${end(nextUpdate)}, of the root ${end(rootNextUpdate)}; renewed by themselves`;
  return problem === null ? [line] : [line, style('red', `✘ ${printable(problem)}`)];
}

const renewalOf = ({ kept, state }: IssuedView): string =>
  state !== 'valid' || kept === null ? '' : kept.renewAt === null ? 'by itself' : day(kept.renewAt);

/** Where a certificate lies, and what is wrong with it. */
function keptLines(each: IssuedView | undefined, style: Style): string[] {
  const { kept, state } = each ?? {};
  if (kept === undefined || kept === null || state === 'revoked') return [];
  const places = kept.on === 'edges' ? [] : kept.on.map(({ host, folder }) => `in ${folder} on ${host}`);
  const wrong = kept.health === 'ok' || kept.problem === null ? [] : [`${kept.health}: ${kept.problem}`];
  return [...places, ...wrong].map((text) => style('dim', `  └ ${printable(text)}`));
}

/**
 * Whether somebody has to renew a certificate: two thirds of its life have passed, nobody renews it by itself, and no later one for
 * the same names was issued.
 */
export function isDue(each: IssuedView, issued: readonly IssuedView[], now: number): boolean {
  const isKept = each.kept !== null || each.purpose === 'route' || each.purpose === 'upstream';
  if (each.state !== 'valid' || isKept) return false;
  const [from, until] = [Date.parse(each.notBefore), Date.parse(each.notAfter)];
  if (now < from + ((until - from) * 2) / 3) return false;
  const what = ({ names, purpose }: IssuedView): string => [purpose, ...[...names].sort()].join(' ');
  return !issued.some(
    (other) => other.state === 'valid' && Date.parse(other.notBefore) > from && what(other) === what(each),
  );
}

function stateText({ state, revokedAt, reason }: IssuedView, style: Style): string {
  if (state === 'valid') return style('green', state);
  if (state !== 'revoked') return style('dim', state);
  return `${style('red', state)} ${day(revokedAt ?? '')}${reason === undefined || reason === 'unspecified' ? '' : `, ${reason}`}`;
}

/** What `ca issue` left where. */
export interface IssuedFiles {
  readonly certificate: string;
  /** Null: made of a request, the key is where it was. */
  readonly key: string | null;
  readonly ca: string;
}

/** `ca issue`. Ends with a newline. */
export function viewIssue(
  issued: IssuedView,
  files: IssuedFiles,
  crlHost: string | null,
  style: Style,
): string {
  const rows = [
    ['certificate', `${files.certificate} (with the intermediate)`],
    ['key', files.key === null ? 'where the request was made' : `${files.key} (0600)`],
    ['trust', `${files.ca} (the root, for the clients)`],
    ['expires', `${day(issued.notAfter)}; it is not renewed by itself`],
  ];
  const note =
    crlHost === null
      ? `  It names no revocation list. For the next one: seawall ca init --crl-host DOMAIN\n`
      : '';
  return `${style('green', '✔')} Issued for ${style('bold', issued.names.join(', '))}, serial ${issued.serial}.\n${indented(rows, style)}${note}`;
}

/** `ca issue --host`. Ends with a newline. */
export function viewKeptIssue(
  names: readonly string[],
  issued: readonly {
    readonly host: string;
    readonly folder: string;
    readonly files: { readonly certificate: string; readonly key: string; readonly trust: string };
    readonly notAfter: string;
  }[],
  style: Style,
): string {
  const lines = issued.map(({ host, folder, files, notAfter }) => {
    const rows = [
      ['certificate', `${folder}/${files.certificate} (with the intermediate)`],
      ['key', `${folder}/${files.key} (0600)`],
      ['trust', `${folder}/${files.trust} (the root, for the clients)`],
      ['expires', `${day(notAfter)}; it is renewed there by itself, until: seawall ca revoke ${names[0]}`],
    ];
    return `${style('green', '✔')} ${style('bold', host)} keeps a certificate for ${names.join(', ')}.\n${indented(rows, style)}`;
  });
  return lines.join('');
}

/** What `ca revoke` is about to do. Ends with a newline. */
export function viewRevocation(issued: readonly IssuedView[], style: Style): string {
  const lines = issued.map(
    (each) =>
      `  ${style('red', '-')} ${each.serial}  ${printable(each.names.join(', '))}, for ${each.purpose}, until ${day(each.notAfter)}\n`,
  );
  return `No client that looks at the list takes these any more. It cannot be undone.\n${lines.join('')}`;
}

/** What `ca init --replace` is about to do. Ends with a newline. */
export function viewReplacement(view: AuthorityView, valid: number, style: Style): string {
  return `The private CA ${style('bold', printable(view.name))} is given up: root and intermediate are made anew.
  Every client has to trust the new root. Of what it issued ${valid} ${valid === 1 ? 'is' : 'are'} valid and ${valid === 1 ? 'has' : 'have'} to be issued again.
`;
}
