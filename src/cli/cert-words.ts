import { MANUAL } from '../catalog/tls-record.ts';
import type { CertificateStatus } from '../rollout/index.ts';
import type { Style } from '../style.ts';
import { printable } from './table.ts';

/** Who issued what is served, and what is wrong with it; the first line is short. */
export function certificateWords(status: CertificateStatus, style: Style): string[] {
  const { kind, issuer, notAfter, health } = status;
  const until = notAfter === null ? '' : `, until ${notAfter.slice(0, 10)}`;
  if (kind === 'none') return [style('yellow', 'no certificate yet'), ...troubleLines(status, style)];
  if (kind === 'interim') return [style('yellow', 'private CA for now'), ...troubleLines(status, style)];
  const who = kind === 'internal' ? 'private CA' : kind === 'files' ? 'given certificate' : (issuer ?? '');
  return [style('dim', `${who}${until}`), ...(health === 'ok' ? [] : troubleLines(status, style))];
}

/** Nobody's routes name it: edges serve the certificates of their routes and no others. */
export const isOnlyKept = ({ projects, purpose }: Pick<CertificateStatus, 'projects' | 'purpose'>): boolean =>
  purpose === 'route' && projects.every((project) => project === MANUAL);

/** What becomes of a certificate that was issued or imported by hand; lines. */
export function keptWords(status: CertificateStatus, style: Style): string[] {
  const { names, kind } = status;
  if (!isOnlyKept(status) || kind === 'none') return [];
  const [name = ''] = names;
  const own =
    kind === 'files'
      ? ', until there is one as its seawall.yml says. To stay with this one: tls: { certificate: FILE, key: FILE }'
      : '';
  return [
    `It is kept${kind === 'files' ? '' : ' and renewed'}, not served: no route has this name. A route of ${name} is served with it from its`,
    `first moment${own}.`,
  ].map((line) => style('dim', line));
}

/** Why it is not well, what Seawall does about it, and where to look. */
function troubleLines(status: CertificateStatus, style: Style): string[] {
  const { problem, lastError, warnings, nextTryAt, kind, failures } = status;
  const notes = [
    ...(problem === null ? [] : [problem]),
    ...warnings.filter((warning) => warning !== problem),
  ].map((text) => `${style('yellow', '!')} ${printable(text)}`);
  const hint = lastError?.hint === undefined ? [] : [`${style('green', '→')} ${printable(lastError.hint)}`];
  const next =
    nextTryAt === null ? '' : `; next try at ${nextTryAt.slice(0, 10)} ${nextTryAt.slice(11, 16)} UTC`;
  const isTried = kind === 'none' || kind === 'interim' || failures > 0;
  const end = isTried ? `it keeps trying${next}. See: seawall cert ls` : 'See: seawall cert ls';
  return [...notes, ...hint, style('dim', end)];
}
