import type { CatalogStatus, HostStatus, PromotionResult, PromotionView } from '../rollout/index.ts';
import type { Style } from '../style.ts';
import { age, megabytes } from './amounts.ts';
import { printable, table } from './table.ts';

/** `seawall catalog status`. Ends with a newline. */
export function viewStatus(status: CatalogStatus, style: Style): string {
  const { host, epoch, version, index, problem, hosts, freshest } = status;
  const state = status.answers
    ? `${style('green', '✔')} The catalog is on ${style('bold', host)}: epoch ${epoch}, index ${index ?? 0}, Seawall ${version ?? 'unknown'}\n`
    : `${style('red', '✖')} The catalog on ${style('bold', host)} (epoch ${epoch}) does not answer\n`;
  const trouble =
    problem === undefined ? '' : `${style('yellow', '!')} its disk takes no writes: ${printable(problem)}\n`;
  const heading = ['HOST', 'EPOCH', 'SNAPSHOT', 'INDEX', 'SIZE', 'KEPT', ''].map((text) =>
    style('dim', text),
  );
  const rows = hosts.map((each) => hostRow(each, host, style));
  const next =
    status.answers || freshest === undefined
      ? ''
      : `\nThe freshest snapshot is that of ${freshest.host}, ${age(freshest.snapshot.ageMs)} old. Next: bring ${host} back, or\n  seawall catalog promote ${freshest.host}\n`;
  return `${state}${trouble}\n${table([heading, ...rows])}\n${next}`;
}

function hostRow(
  { host, epoch, snapshotAgeMs, snapshotIndex, snapshotBytes, good, damaged, problem }: HostStatus,
  home: string,
  style: Style,
): string[] {
  return [
    host === home ? style('bold', host) : host,
    epoch === undefined ? '-' : String(epoch),
    snapshotAgeMs === undefined ? 'none' : `${age(snapshotAgeMs)} old`,
    snapshotIndex === undefined ? '-' : String(snapshotIndex),
    snapshotBytes === undefined ? '-' : megabytes(snapshotBytes),
    damaged === 0 ? String(good) : `${good}, ${style('yellow', `${damaged} damaged`)}`,
    problem === undefined ? '' : style('yellow', printable(problem)),
  ];
}

/** What `catalog promote` is about to do. Ends with a newline. */
export function viewPromotion(view: PromotionView, style: Style): string {
  const { from, to, epoch, snapshot, missing, unreachable } = view;
  const mark = style('yellow', '!');
  const lines = [
    `The catalog moves from ${style('bold', from)} to ${style('bold', to)} (epoch ${epoch}).`,
    view.source === 'catalog'
      ? `${from} answers: everything moves, nothing is lost.`
      : snapshot === undefined
        ? `${mark} It is put together from what the hosts have; what ${from} holds is not taken.`
        : `${mark} The snapshot of ${snapshot.host} is taken, ${age(snapshot.snapshot.ageMs)} old (index ${snapshot.snapshot.index}): what changed after it is lost.`,
    ...missing.map(
      (text) => `${mark} ${view.source === 'rebuild' ? 'not to be had: ' : ''}${printable(text)}`,
    ),
    ...unreachable.map((host) => `${mark} ${host} is away; it follows when it is back.`),
  ];
  return `${lines.join('\n')}\n\n`;
}

/** What `catalog promote` did. Ends with a newline. */
export function viewPromoted(result: PromotionResult, style: Style): string {
  const { to, epoch, told, unreachable, source, missing } = result;
  const what = source === 'in-place' ? 'is on' : 'is now on';
  const absent = unreachable.length === 0 ? '' : ` ${unreachable.join(', ')} will when back.`;
  const lost =
    source === 'rebuild' && missing.length > 0
      ? `  It does not have:\n${missing.map((text) => `  ${style('yellow', '!')} ${printable(text)}\n`).join('')}`
      : '';
  const next = lost === '' ? 'seawall plan' : 'seawall plan; then seawall cert ls';
  return `${style('green', '✔')} The catalog ${what} ${style('bold', to)} (epoch ${epoch}). ${told.join(', ')} follow it.${absent}\n${lost}  Next: ${next}\n`;
}
