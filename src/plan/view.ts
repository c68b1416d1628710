import type { Notice } from '../compose/desired.ts';
import { type Style, styleFor } from '../style.ts';
import type { MixedRelease } from './actual.ts';
import type { Change, ChangeKind, Obstacle, Plan, Remark } from './change.ts';
import { planCounts } from './view-counts.ts';

export interface PlanViewOptions {
  readonly colour: boolean;
  /** Remarks on how the files are read; left out when there are none. */
  readonly notices?: readonly Notice[];
  /** Changes on these hosts only, and what concerns the whole cluster; absent: all. */
  readonly hosts?: readonly string[];
}

/**
 * A plan for people: what stands in the way first, then every change under its host with its reasons, then the counts.
 * Ends with a newline.
 */
export function viewPlan(plan: Plan, options: PlanViewOptions): string {
  const style = styleFor(options.colour);
  const parts = [
    plan.mixed === undefined ? [] : viewMixed(plan.mixed, style),
    plan.obstacles.length > 0 ? viewObstacles(plan.obstacles, style) : [],
    ...viewGroups(plan.changes, options.hosts ?? [], style),
    viewRemarks(plan.remarks ?? [], style),
    viewNotices(options.notices ?? [], style),
    viewEnd(plan, style),
  ];
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')}\n`;
}

/** That replicas of two releases run, and the commands out of it; lines. */
export function viewMixed({ release, problem }: MixedRelease, style: Style): string[] {
  return [
    `${style('yellow', '!')} ${style('bold', `Release ${release} runs beside the one before`)}: ${problem}`,
    `  ${style('green', '→')} seawall deploy makes the hosts run what the files say; seawall rollback goes back`,
  ];
}

/** What is in the way, each with its remedy; lines. */
export function viewObstacles(obstacles: readonly Obstacle[], style: Style): string[] {
  return [
    style(['bold', 'red'], 'In the way'),
    ...obstacles.flatMap(({ path, message, remedy }) => [
      `  ${style('red', '✘')} ${style('bold', path)}: ${message}`,
      `    ${style('green', '→')} ${remedy}`,
    ]),
  ];
}

/** What concerns no single host stands under a word of its own: before the hosts what is done first, the rest after. */
const HEADINGS: Partial<Record<ChangeKind, string>> = {
  'build-image': 'images',
  'add-route': 'routes',
  'change-route': 'routes',
  'remove-route': 'routes',
  'add-certificate': 'certificates',
  'change-certificate': 'certificates',
  'remove-certificate': 'certificates',
};

function viewGroups(changes: readonly Change[], hosts: readonly string[], style: Style): string[][] {
  const isShown = ({ host }: Change) => host === undefined || hosts.length === 0 || hosts.includes(host);
  const groups = new Map<string, Change[]>();
  for (const change of changes.filter(isShown)) {
    const heading = change.host ?? HEADINGS[change.kind] ?? 'cluster';
    groups.set(heading, [...(groups.get(heading) ?? []), change]);
  }
  const rank = (changes: readonly Change[]) =>
    changes[0]?.host !== undefined ? 1 : changes[0]?.kind === 'build-image' ? 0 : 2;
  return [...groups]
    .sort(([a, first], [b, second]) => rank(first) - rank(second) || (a < b ? -1 : 1))
    .map(([heading, group]) => [style('bold', heading), ...viewChanges(group, style)]);
}

/** Changes of one kind for the same reasons share one entry, so that forty replicas are not forty times the same. */
function viewChanges(changes: readonly Change[], style: Style): string[] {
  const entries = new Map<string, Change[]>();
  for (const change of changes) {
    const key = JSON.stringify([change.kind, serviceOf(change), change.why, change.away]);
    entries.set(key, [...(entries.get(key) ?? []), change]);
  }
  return [...entries.values()].flatMap((alike) => viewEntry(alike, style));
}

const SYMBOLS: Record<ChangeKind, readonly [string, 'green' | 'yellow' | 'red']> = {
  'set-up-host': ['+', 'green'],
  'build-image': ['+', 'green'],
  'create-volume': ['+', 'green'],
  'run-task': ['+', 'green'],
  'start-replica': ['+', 'green'],
  'replace-replica': ['~', 'yellow'],
  'resume-replica': ['~', 'yellow'],
  'stop-replica': ['-', 'red'],
  'add-route': ['+', 'green'],
  'change-route': ['~', 'yellow'],
  'remove-route': ['-', 'red'],
  'add-certificate': ['+', 'green'],
  'change-certificate': ['~', 'yellow'],
  'remove-certificate': ['-', 'red'],
  'finish-release': ['~', 'yellow'],
};

function viewEntry(alike: readonly Change[], style: Style): string[] {
  const [first] = alike;
  if (first === undefined) return [];
  const [symbol, colour] = SYMBOLS[first.kind];
  const names = [...new Set(alike.map(nameOf))].join(', ');
  const lines = [`  ${style(colour, symbol)} ${style('bold', names)}${style('dim', actionOf(first))}`];
  if (first.away !== undefined) lines.push(`      ${style('yellow', '!')} ${first.away}`);
  lines.push(...first.why.map((why) => `      ${why}`));
  return lines;
}

function serviceOf({ kind, path }: Change): string {
  return kind.endsWith('-replica') ? (path.split('.replicas.')[0] ?? path) : path;
}

function nameOf({ kind, path, from, to }: Change): string {
  switch (kind) {
    case 'start-replica':
    case 'replace-replica':
    case 'resume-replica':
    case 'stop-replica':
      return path.replace(/^services\.(.*)\.replicas\.(\d+)$/, '$1-$2');
    case 'create-volume':
    case 'build-image':
      return to ?? path;
    case 'run-task':
      return path.replace(/^services\./, '');
    case 'set-up-host':
      return 'set up the host';
    case 'finish-release':
      return path.replace('releases.', 'release ');
    default: {
      const was = from !== null && to !== null && from !== to ? ` (was ${from})` : '';
      const name = path
        .replace(/^routes\./, '')
        .replace(/^certificates\.(?:_wildcard\.)?/, (start) => (start.includes('_') ? '*.' : ''))
        .replace(/^_service\.[^.]+\./, 'service ');
      return `${name} → ${to ?? from ?? ''}${was}`;
    }
  }
}

function actionOf({ kind, from, host, away }: Change): string {
  switch (kind) {
    case 'start-replica':
      return '  start';
    case 'replace-replica': {
      const place = /^(.*) on (\S+)$/.exec(from ?? '');
      const moved = place?.[2] !== undefined && place[2] !== host ? `, moves here from ${place[2]}` : '';
      return `  replace, ${away === undefined ? 'start first' : 'stop first'}${moved}`;
    }
    case 'resume-replica':
      return '  gets requests again';
    case 'stop-replica':
      return '  stop';
    case 'create-volume':
      return '  new volume';
    case 'build-image':
      return '  build';
    case 'run-task':
      return '  run once';
    case 'finish-release':
      return '  finish';
    default:
      return '';
  }
}

function viewRemarks(remarks: readonly Remark[], style: Style): string[] {
  if (remarks.length === 0) return [];
  return [
    style('bold', 'Left as it is'),
    ...remarks.map(({ path, message }) => `  ${style('yellow', '!')} ${style('bold', path)}: ${message}`),
  ];
}

function viewNotices(notices: readonly Notice[], style: Style): string[] {
  if (notices.length === 0) return [];
  return [
    style('bold', 'How the files are read'),
    ...notices.map(({ path, text, where }) => `  ${path}: ${text} ${style('dim', `(${where})`)}`),
  ];
}

function viewEnd(plan: Plan, style: Style): string[] {
  if (plan.obstacles.length > 0) {
    const count = plan.obstacles.length;
    return [
      style(
        'bold',
        `Nothing can be changed before ${count === 1 ? 'this is' : `these ${count} are`} settled.`,
      ),
    ];
  }
  if (plan.changes.length === 0 && plan.remarks !== undefined) return [`No change on the hosts that answer.`];
  if (plan.changes.length === 0) return [`No change: the hosts run what the files of ${plan.project} say.`];
  return [style('bold', planCounts(plan))];
}
