import { SeawallError } from '../../errors.ts';
import { LABEL } from '../../labels.ts';

/** A container on the host that is to leave. */
export interface HostContainer {
  readonly name: string;
  /** Docker's: running, exited, … */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of the Docker networks that it is in. */
  readonly networks: readonly string[];
}

export interface Departure {
  readonly host: string;
  /** Names of the cluster's hosts that stay. */
  readonly others: readonly string[];
  readonly isCatalogHost: boolean;
  readonly containers: readonly HostContainer[];
  /** Names of Seawall's Docker networks there. */
  readonly networks: readonly string[];
  /** Projects whose replicas are moved first. */
  readonly moving: readonly string[];
  /** What is left goes with the host. */
  readonly force: boolean;
}

/**
 * Refuses what would take something from somebody: replicas that run on the host, or the catalog that the other hosts
 * need.
 * @throws SeawallError `refused` that names what is in the way.
 */
export function refuseDeparture(departure: Departure): void {
  const { host, others, isCatalogHost } = departure;
  if (isCatalogHost && others.length > 0) {
    throw new SeawallError('refused', `it keeps the catalog for ${others.join(', ')}`, {
      where: host,
      hint: `Make another host the catalog first: seawall catalog promote ${others[0]}`,
    });
  }
  const here = departure.force ? [] : runningHere(departure).filter((each) => !moves(departure, each));
  if (here.length === 0) return;
  const projects = [...new Set(here.map(({ labels }) => labels[LABEL.project] ?? ''))].filter(Boolean).sort();
  const names = here.map(({ name }) => name).sort();
  const of = projects.length === 0 ? "in Seawall's networks" : `of ${projects.join(', ')}`;
  throw new SeawallError('refused', `containers ${of} are on it: ${names.join(', ')}`, {
    where: host,
    hint: remedy(departure, projects),
  });
}

/** Containers that end with the host's departure without being missed: tasks and one-offs that ran. */
export function endedHere({ containers }: Pick<Departure, 'containers'>): readonly HostContainer[] {
  return containers.filter((each) => LABEL.project in each.labels && !isNeeded(each));
}

const moves = ({ moving }: Departure, { labels }: HostContainer): boolean =>
  labels[LABEL.kind] === 'replica' && moving.includes(labels[LABEL.project] ?? '');

function runningHere({ containers, networks }: Departure): readonly HostContainer[] {
  const isIn = (each: HostContainer) => each.networks.some((name) => networks.includes(name));
  return containers.filter((each) =>
    LABEL.project in each.labels ? isNeeded(each) : each.state === 'running' && isIn(each),
  );
}

/** A replica that stands still comes back with the next start of Docker or the next deploy. */
const isNeeded = ({ labels, state }: HostContainer): boolean =>
  labels[LABEL.kind] === 'replica' || ['running', 'paused', 'restarting'].includes(state);

function remedy({ others }: Departure, projects: readonly string[]): string {
  if (projects.length === 0) return 'Remove them, or take them out of the network: docker network disconnect';
  const down = `seawall down takes ${projects.length === 1 ? projects[0] : 'a project'} away; volumes are kept`;
  if (others.length === 0) return `${down}.`;
  return `${down}. What still runs there by hand has to end first; --force ends it with the host.`;
}
