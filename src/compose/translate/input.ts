import type { KeyPath, Place, Problem } from '../../problems.ts';
import type { Notice } from '../desired.ts';
import type { Lookup } from '../interpolate.ts';
import type { ComposeModel } from '../model.ts';
import type { MapNode } from '../node.ts';

/** What is known of a file or folder that replicas mount. */
export interface ContentFact {
  /** sha256 of kind, modes and bytes, in hex. */
  readonly hash: string;
  readonly kind: 'file' | 'tree';
  readonly bytes: number;
  /** Octal mode of a single file. */
  readonly mode?: number;
}

/** Why a path cannot be sent. */
export interface ContentRefusal {
  readonly text: string;
  readonly remedy: string;
}

/** Why the image of a service cannot be built. */
export interface BuildRefusal extends ContentRefusal {
  /** Key below `build` that is to blame. */
  readonly key: KeyPath;
}

/** All that turns the Compose model into the desired state; nothing here touches the machine. */
export interface TranslateInput {
  readonly model: ComposeModel;
  readonly root: MapNode;
  place(path: KeyPath, what?: 'key' | 'value'): Place;
  readonly lookup: Lookup;
  /** Volumes that bind a folder of this machine. */
  readonly ownFolders: ReadonlySet<string>;
  /** Service → ports that routes lead to, in the order of the routes. */
  readonly routed: Readonly<Record<string, readonly number[]>>;
  /** Service → `8000` or `53/udp` → addresses and ranges that may reach it. */
  readonly expose: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Replicas by service, instead of what the file says. */
  readonly scale: Readonly<Record<string, number>>;
  /** Facts of absolute paths, gathered before. */
  readonly contents: ReadonlyMap<string, ContentFact | ContentRefusal>;
  /** Service → hash of the sources of its image. */
  readonly sourceHashes: ReadonlyMap<string, string>;
  /** By service. */
  readonly buildRefusals: ReadonlyMap<string, BuildRefusal>;
  /** sha256 in hex. */
  hash(text: string): string;
}

/** Where translators put what they have to say. */
export interface Remarks {
  readonly problems: Problem[];
  readonly notices: Notice[];
}

export function isRefusal(fact: ContentFact | ContentRefusal): fact is ContentRefusal {
  return 'remedy' in fact;
}
