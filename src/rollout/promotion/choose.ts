import type { HostSurvey, SnapshotView } from './survey.ts';

/** A snapshot and the host it lies on. */
export interface FoundSnapshot {
  readonly host: string;
  readonly snapshot: SnapshotView;
}

/** The newest whole snapshot: of the highest epoch, and in it of the highest index. Clocks do not count. */
export function freshestSnapshot(
  surveys: readonly {
    readonly link: { readonly name: string };
    readonly snapshots: readonly SnapshotView[];
  }[],
): FoundSnapshot | undefined {
  const good = surveys.flatMap(({ link, snapshots }) =>
    snapshots.filter((each) => each.good).map((snapshot) => ({ host: link.name, snapshot })),
  );
  return good.reduce<FoundSnapshot | undefined>(
    (best, found) => (best === undefined || isFresher(found.snapshot, best.snapshot) ? found : best),
    undefined,
  );
}

const isFresher = (one: SnapshotView, than: SnapshotView): boolean =>
  one.epoch > than.epoch || (one.epoch === than.epoch && one.index > than.index);

/** What runs on the hosts and is not in a snapshot, as sentences; sorted. */
export function missingReleases(
  surveys: readonly Pick<HostSurvey, 'running'>[],
  releases: Readonly<Record<string, number>>,
): string[] {
  const running = new Map<string, number>();
  for (const survey of surveys) {
    for (const [project, number] of Object.entries(survey.running))
      running.set(project, Math.max(running.get(project) ?? 0, number));
  }
  return [...running]
    .filter(([project, number]) => number > (releases[project] ?? 0))
    .map(
      ([project, number]) => `release ${number} of ${project} runs and is not in it: deploy ${project} again`,
    )
    .sort();
}
