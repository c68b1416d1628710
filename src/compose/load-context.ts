import type { Problem } from '../problems.ts';
import type { Lookup } from './interpolate.ts';
import type { MapNode } from './node.ts';
import type { Files } from './sources.ts';

/** What loading a group of files that override each other needs. */
export interface LoadContext {
  readonly files: Files;
  /** Folder that relative paths start from. */
  readonly folder: string;
  readonly lookup: Lookup;
  readonly problems: Problem[];
  /** Takes the names of volumes whose device was written as a path of this machine. */
  readonly ownFolders: Set<string>;
  /** Checks one document as it stands in its file, after interpolation. */
  readonly validate: (document: MapNode) => readonly Problem[];
  /** Files that include this one, outermost first. */
  readonly includedBy: readonly string[];
}
