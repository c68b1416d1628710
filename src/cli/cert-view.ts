import { MANUAL } from '../catalog/tls-record.ts';
import type { CertificateStatus } from '../rollout/index.ts';
import type { Style } from '../style.ts';
import { age } from './amounts.ts';
import { isOnlyKept } from './cert-words.ts';
import { cut, printable, table } from './table.ts';

const LONGEST_DETAIL = 160;

/** The listing of `seawall cert ls`: one line per certificate, below it why it is not well. Ends with a newline. */
export function viewCertificates(statuses: readonly CertificateStatus[], now: number, style: Style): string {
  if (statuses.length === 0)
    return 'Nothing is served over HTTPS yet. A route with a domain is: seawall docs routes\n';
  const heading = ['NAME', 'ISSUER', 'EXPIRES', 'RENEWAL', 'OF', 'STATE'].map((text) => style('dim', text));
  const rows = statuses.map((status) => [
    style('bold', nameOf(status)),
    issuerOf(status),
    expiryOf(status, now),
    renewalOf(status),
    status.projects.map((project) => (project === MANUAL ? 'by hand' : project)).join(', '),
    stateOf(status, style),
  ]);
  const [head = '', ...lines] = table([heading, ...rows]).split('\n');
  const listed = lines.flatMap((line, at) => [line, ...detailLines(statuses[at], style)]);
  return `${[head, ...listed].join('\n')}\n`;
}

/** What of a project's certificates somebody should know; lines, none when all is well. */
export function viewTrouble(statuses: readonly CertificateStatus[], style: Style): string[] {
  return statuses
    .filter(({ health }) => health !== 'ok')
    .map((status) => {
      const isOnTheWay = status.health === 'pending';
      const mark = isOnTheWay ? style('yellow', '!') : style('red', '✘');
      const problem = status.problem === null ? '' : `: ${printable(status.problem)}`;
      return `${mark} certificate of ${style('bold', nameOf(status))}: ${stateWords(status)}${problem}. See: seawall cert ls`;
    });
}

function nameOf({ names: [first = '', ...further] }: CertificateStatus): string {
  return further.length === 0 ? first : `${first} +${further.length}`;
}

function issuerOf({ kind, issuer, wanted, keys }: CertificateStatus): string {
  if (kind === 'none') return `none (${wanted})`;
  if (kind === 'interim') return `private CA for now (${wanted})`;
  const who = kind === 'internal' ? 'private CA' : kind === 'files' ? 'given' : (issuer ?? '');
  return keys.length > 1 ? `${who}, ${keys.join(' and ')}` : who;
}

function expiryOf({ notAfter }: CertificateStatus, now: number): string {
  if (notAfter === null) return '';
  const left = Date.parse(notAfter) - now;
  return `${day(notAfter)} (${left <= 0 ? `${age(-left)} ago` : `in ${age(left)}`})`;
}

const REASONS = { ari: 'as the CA asks', lifetime: 'by lifetime', asked: 'asked for' } as const;

function renewalOf({ kind, renewAt, renewReason, nextTryAt }: CertificateStatus): string {
  if (nextTryAt !== null) return `next try ${minute(nextTryAt)}`;
  if (renewAt !== null)
    return `${day(renewAt)}${renewReason === null || renewReason === undefined ? '' : `, ${REASONS[renewReason]}`}`;
  return kind === 'files' ? 'by you' : '';
}

const day = (time: string): string => time.slice(0, 10);
const minute = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;

const stateWords = (status: CertificateStatus): string => {
  const { health, kind, failures, purpose } = status;
  if (health === 'ok' && isOnlyKept(status)) return 'kept, no route has this name';
  if (health === 'failing') return failures === 1 ? 'failed once' : `failed ${failures} times`;
  if (health === 'pending') return kind === 'none' ? 'not there yet' : 'private CA for now';
  return health === 'unserved' ? `not on every ${purpose === 'route' ? 'edge' : 'host'}` : health;
};

function stateOf(status: CertificateStatus, style: Style): string {
  const { health } = status;
  return style(health === 'ok' ? 'green' : health === 'pending' ? 'yellow' : 'red', stateWords(status));
}

function detailLines(status: CertificateStatus | undefined, style: Style): string[] {
  if (status === undefined) return [];
  const { names, problem, warnings, lastError, missingOn, health, keptOn } = status;
  const texts = [
    ...(names.length > 1 ? [`for ${names.join(', ')}`] : []),
    ...keptOn.map(({ host, folder }) => `in ${folder} on ${host}`),
    ...(health !== 'ok' && problem !== null ? [problem] : []),
    ...(lastError?.hint === undefined ? [] : [`→ ${lastError.hint}`]),
    ...warnings.filter((warning) => warning !== problem),
    ...(health === 'unserved' ? missingOn.slice(1).map(({ edge, why }) => `${edge}: ${why}`) : []),
  ];
  return texts.map((text) => style('dim', `  └ ${cut(printable(text), LONGEST_DETAIL)}`));
}
