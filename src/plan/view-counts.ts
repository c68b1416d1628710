import type { Change, ChangeKind, Plan } from './change.ts';

/** The plan in one line: `3 replaced (start first), 1 started · 1 task · 2 routes · 2 hosts`. */
export function planCounts({ changes }: Pick<Plan, 'changes'>): string {
  const of = (...kinds: ChangeKind[]) => changes.filter(({ kind }) => kinds.includes(kind)).length;
  const replicas = [
    replaced(changes),
    verb(of('start-replica'), 'started'),
    verb(of('resume-replica'), 'resumed'),
    verb(of('stop-replica'), 'stopped'),
  ];
  const hosts = new Set(changes.flatMap(({ host }) => host ?? [])).size;
  const parts = [
    noun(of('set-up-host'), 'host set up', 'hosts set up'),
    noun(of('build-image'), 'image built', 'images built'),
    noun(of('create-volume'), 'new volume', 'new volumes'),
    replicas.filter((text) => text !== '').join(', '),
    noun(of('run-task'), 'task', 'tasks'),
    noun(of('add-route', 'change-route', 'remove-route'), 'route', 'routes'),
    noun(of('add-certificate', 'change-certificate', 'remove-certificate'), 'certificate', 'certificates'),
    noun(of('finish-release'), 'release finished', 'releases finished'),
    noun(hosts, 'host', 'hosts'),
  ];
  return parts.filter((text) => text !== '').join(' · ');
}

function replaced(changes: readonly Change[]): string {
  const all = changes.filter(({ kind }) => kind === 'replace-replica');
  const stopFirst = all.filter(({ away }) => away !== undefined).length;
  const startFirst = all.length - stopFirst;
  if (all.length === 0) return '';
  const order =
    stopFirst === 0
      ? 'start first'
      : startFirst === 0
        ? 'stop first'
        : `${startFirst} start first, ${stopFirst} stop first`;
  return `${all.length} replaced (${order})`;
}

const verb = (count: number, text: string): string => (count === 0 ? '' : `${count} ${text}`);

const noun = (count: number, one: string, many: string): string =>
  count === 0 ? '' : `${count} ${count === 1 ? one : many}`;
