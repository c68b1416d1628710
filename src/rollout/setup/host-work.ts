import type { ClusterFile } from '../../cluster.ts';
import type { HostLink } from '../../hosts/index.ts';
import type { HostBodies } from './bodies.ts';

/** One host in the middle of its setup. */
export interface HostWork {
  readonly link: HostLink;
  readonly file: ClusterFile;
  readonly bodies: HostBodies;
  readonly agentImage: string;
  readonly isFileCurrent: boolean;
  readonly done: string[];
  /** Milliseconds for which it accepted no connection, as its cluster's only edge. */
  edgeGapMs?: number;
}

/** For Seawall's own containers. */
export const stopGraceMs = 15_000;
