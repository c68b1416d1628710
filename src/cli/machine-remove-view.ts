import type { RemovalView } from '../rollout/index.ts';
import type { Style } from '../style.ts';
import { printable } from './table.ts';

/** What `machine rm` is about to take, and what it leaves. Ends with a newline. */
export function viewRemoval(view: RemovalView, withImages: boolean, style: Style): string {
  if (view.isGone) return viewForgetting(view, style);
  const minus = style('red', '-');
  const kept = style('green', '=');
  const section = (title: string, symbol: string, names: readonly string[], note = '') =>
    names.length === 0
      ? ''
      : `${style('bold', title)}\n${names.map((name) => `  ${symbol} ${printable(name)}${note}\n`).join('')}`;
  const rest = [
    'link, host rules, /etc/seawall and /var/lib/seawall',
    ...(view.others.length === 0 ? ["the cluster's catalog: this is its last host"] : []),
  ];
  return `${[
    viewMoves(view, style),
    section('containers', minus, view.containers),
    section('networks', minus, view.networks),
    section('host', minus, view.cluster === undefined ? [] : rest),
    section('images', minus, withImages ? view.images : []),
    section('volumes', kept, view.volumes, '  kept, with its data'),
    section('started by hand', kept, view.services, '  runs on, gets no more requests'),
  ].join('')}${viewWarnings(view, style)}\n`;
}

/** What is started elsewhere first, and what goes with the host. */
function viewMoves({ moves }: RemovalView, style: Style): string {
  const lines = moves.flatMap(({ plan }) => [
    ...plan.changes
      .filter(({ path }) => path.startsWith('services.'))
      .map(
        ({ from, to }) =>
          `  ${style('yellow', '~')} ${printable(`${from ?? 'nothing'} → ${to ?? 'stopped'}`)}\n`,
      ),
    ...(plan.remarks ?? []).map(
      ({ path, message }) =>
        `  ${style('red', '-')} ${printable(`${path.replace(/^services\./, '')}: ${message}`)}\n`,
    ),
  ]);
  return lines.length === 0 ? '' : `${style('bold', 'moves first')}\n${lines.join('')}`;
}

function viewForgetting({ host, services, volumes, isEdge, others }: RemovalView, style: Style): string {
  const lines = [
    `${style('bold', host)} does not answer and is forgotten; what is on it stays there, and nobody listens to it any more.`,
    ...(services.length === 0 ? [] : [`  ran there: ${services.join(', ')}`]),
    ...volumes.map((name) => `  ${style('red', '-')} volume ${printable(name)} is lost with it`),
    ...(isEdge ? [`${style('yellow', '!')} ${host} was an edge: domains must point elsewhere.`] : []),
    ...(others.length === 0 ? [] : [`The cluster goes on with ${others.join(', ')}.`]),
  ];
  return `${lines.join('\n')}\n\n`;
}

function viewWarnings({ cluster, host, isEdge, others }: RemovalView, style: Style): string {
  if (cluster === undefined) return `Nothing of a cluster is on ${host}; what may be left is cleared away.\n`;
  if (!isEdge || others.length === 0) return '';
  return `${style('yellow', '!')} ${host} is an edge: domains must point elsewhere before it goes.\n`;
}

/** `isNamed`: seawall.yml names the host. */
export function viewRemoved(view: RemovalView, isNamed: boolean, style: Style): string {
  const { host, others, isGone, volumes } = view;
  if (isGone) {
    const forget = volumes.map((name) => `  seawall volume forget ${printable(name)}\n`).join('');
    const first = forget === '' ? '' : `  To give up the data that was there:\n${forget}`;
    return `${style('green', '✔')} ${style('bold', host)} is forgotten.\n${first}  Take ${host} out of seawall.yml, then: seawall deploy\n`;
  }
  const next = isNamed
    ? `Take ${host} out of seawall.yml; with it, the next deploy sets it up again.`
    : 'Again: seawall deploy';
  const left = others.length === 0 ? '' : ` The cluster goes on with ${others.join(', ')}.`;
  return `${style('green', '✔')} Seawall is off ${style('bold', host)}.${left}\n  ${next}\n`;
}
