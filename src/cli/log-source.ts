import { setTimeout as pause } from 'node:timers/promises';
import { describeError } from '../errors.ts';
import {
  type ContainerSummary,
  DockerError,
  type HostLink,
  isNotFound,
  type LogOptions,
} from '../hosts/index.ts';
import { LABEL } from '../labels.ts';

/** One line of a replica's log, and one line of `seawall logs --json`. */
export interface LogEntry {
  /** RFC 3339 with nanoseconds, UTC, by the clock of the host. */
  readonly time: string;
  readonly host: string;
  readonly service: string;
  /** 0 for tasks and one-off containers. */
  readonly replica: number;
  readonly container: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** Which containers' lines are wanted. */
export interface LogFilter {
  readonly project: string;
  /** Empty: all. */
  readonly wanted: readonly WantedLog[];
}

/** A service, or one replica of it. */
export interface WantedLog {
  readonly service: string;
  readonly replica?: number;
}

type Lines = AsyncIterable<LogEntry>;

/** The project's containers on a host whose lines are wanted, stopped ones too. */
export async function listLogContainers(
  { docker }: Pick<HostLink, 'docker'>,
  filter: LogFilter,
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const containers = await docker.listContainers({
    all: true,
    labels: [`${LABEL.project}=${filter.project}`],
    signal,
  });
  return containers.filter(({ Labels }) => isWanted(Labels, filter));
}

function isWanted(labels: Readonly<Record<string, string>>, { wanted }: LogFilter): boolean {
  const isOne = ({ service, replica }: WantedLog) =>
    service === labels[LABEL.service] && (replica === undefined || replica === Number(labels[LABEL.replica]));
  return wanted.length === 0 || wanted.some(isOne);
}

/** Where a line is from. */
export type LogOrigin = Pick<LogEntry, 'host' | 'service' | 'replica' | 'container'>;

/** Says of a container that its logging driver keeps no lines to read. */
export type OnUnkept = (origin: LogOrigin) => void;

/** The lines of one container, oldest first; a container that is gone, or whose lines are not kept, has none. */
export async function* containerLines(
  { docker, name: host }: Pick<HostLink, 'docker' | 'name'>,
  { Id, Names, Labels }: Pick<ContainerSummary, 'Id' | 'Names' | 'Labels'>,
  options: LogOptions,
  onUnkept: OnUnkept,
): AsyncGenerator<LogEntry> {
  const about = {
    host,
    service: Labels[LABEL.service] ?? '',
    replica: Number(Labels[LABEL.replica] ?? 0),
    container: (Names[0] ?? Id).replace(/^\//, ''),
  };
  try {
    for await (const { time, stream, line } of docker.containerLogs(Id, { ...options, timestamps: true })) {
      yield { time: time ?? '', ...about, stream, line };
    }
  } catch (error) {
    if (isUnkept(error)) onUnkept(about);
    else if (!isNotFound(error) && !options.signal?.aborted) throw error;
  }
}

/** Drivers such as `none` and `gelf` do not let the Engine read (501: moby, daemon/logger, ErrReadLogsNotSupported). */
const isUnkept = (error: unknown): boolean => error instanceof DockerError && error.status === 501;

export interface FollowOptions {
  readonly filter: LogFilter;
  /** For containers that are there at the start: last lines, and the earliest time in seconds since the epoch. */
  readonly first: Pick<LogOptions, 'tail' | 'since'>;
  /** Takes the lines of a container; called again when it starts again or the host is back. */
  onLines(lines: Lines): void;
  readonly onUnkept: OnUnkept;
  /** Says that a host does not answer. */
  onTrouble(error: unknown): void;
  /** Reaches the host anew. */
  reconnect(): Promise<HostLink>;
  readonly signal: AbortSignal;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** Events of this many seconds before are asked for too: the host's clock may be behind, and listing takes its time. */
const EVENT_OVERLAP_S = 60;

/**
 * Follows the containers of one host, those that start later too, until the signal. A host that goes away, or was away from the
 * start (no link), is reached again, and read on from the last line that was seen.
 */
export async function followHost(link: HostLink | undefined, options: FollowOptions): Promise<void> {
  const { signal, onTrouble, reconnect } = options;
  const seen: Seen = new Map();
  let current = link;
  let told = '';
  for (let waitMs = FIRST_PAUSE_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_PAUSE_MS)) {
    const startedAt = performance.now();
    try {
      current ??= await reconnect();
      await followOnce(current, seen, options);
    } catch (error) {
      if (signal.aborted) return;
      const text = describeError(error);
      if (text !== told) onTrouble(error);
      told = text;
    }
    if (performance.now() - startedAt > LONGEST_PAUSE_MS) waitMs = FIRST_PAUSE_MS;
    await pause(waitMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    current?.close();
    current = undefined;
  }
}

/** Container id → time of the last line that was shown, and whether its lines are being read. */
type Seen = Map<string, SeenContainer>;

interface SeenContainer {
  last: string;
  isRead: boolean;
  /** It was started again before its earlier lines had ended. */
  isAgain: boolean;
}

async function followOnce(link: HostLink, seen: Seen, options: FollowOptions): Promise<void> {
  const { filter, signal, onLines, onUnkept } = options;
  const lost = new AbortController();
  const both = AbortSignal.any([signal, lost.signal]);
  const isFirst = seen.size === 0;
  const read = (
    container: Pick<ContainerSummary, 'Id' | 'Names' | 'Labels'>,
    first: FollowOptions['first'],
  ): void => {
    const state = seen.get(container.Id) ?? { last: '', isRead: false, isAgain: false };
    seen.set(container.Id, state);
    if (state.isRead) {
      state.isAgain = true;
      return;
    }
    Object.assign(state, { isRead: true, isAgain: false });
    const onEnd = () => {
      state.isRead = false;
      if (state.isAgain && !both.aborted) read(container, {});
    };
    const range = state.last === '' ? first : { since: unixTime(state.last) };
    const lines = containerLines(link, container, { ...range, follow: true, signal: both }, onUnkept);
    onLines(noting(lines, state, { onTrouble: (error) => lost.abort(error), onEnd }));
  };
  const since = Math.floor(Date.now() / 1000) - EVENT_OVERLAP_S;
  try {
    for (const container of await listLogContainers(link, filter, both))
      read(container, isFirst ? options.first : {});
    const filters = { type: ['container'], event: ['start'], label: [`${LABEL.project}=${filter.project}`] };
    for await (const { Actor } of link.docker.events({ since, filters, signal: both })) {
      const { ID, Attributes } = Actor;
      if (isWanted(Attributes, filter))
        read({ Id: ID, Names: [Attributes.name ?? ID], Labels: Attributes }, {});
    }
    if (lost.signal.aborted) throw lost.signal.reason;
  } finally {
    lost.abort();
  }
}

/** Seconds since the epoch with nine decimals, as the Engine API wants times, of a time of the log. */
function unixTime(time: string): string {
  const [, fraction = ''] = /\.(\d+)/.exec(time) ?? [];
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(9, '0').slice(0, 9)}`;
}

/** Remembers how far a container was read, so that nothing is shown twice; trouble is told and ends the lines. */
async function* noting(
  lines: Lines,
  state: SeenContainer,
  tell: { onTrouble(error: unknown): void; onEnd(): void },
): AsyncGenerator<LogEntry> {
  const from = state.last;
  try {
    for await (const entry of lines) {
      if (entry.time <= from) continue;
      state.last = entry.time;
      yield entry;
    }
  } catch (error) {
    tell.onTrouble(error);
  } finally {
    tell.onEnd();
  }
}
