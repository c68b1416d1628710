/** What an operator asks of the helper container on a host, and what it answers: one line of JSON each. */

/** A layer, unpacked; `diffId` is `sha256:` and the digest of these bytes (OCI image specification, "Layer DiffID"). */
export interface Layer {
  readonly diffId: string;
  readonly bytes: number;
}

/** The project whose folder is worked on: two deploys at once do not share files. */
interface OfProject {
  readonly project: string;
}

/** How much room there is, and which layers wait here. */
export interface LookOrder extends OfProject {
  readonly kind: 'look';
}

/** Takes layers from the input, gzip'd, one after the other; `from`: bytes that are here already. */
export interface ReceiveOrder extends OfProject {
  readonly kind: 'receive';
  readonly layers: readonly (Layer & { readonly from: number })[];
}

/** Takes layers out of this host's own Docker. */
export interface ExportOrder extends OfProject {
  readonly kind: 'export';
  /** Any name or id of the image. */
  readonly reference: string;
  readonly diffIds: readonly string[];
}

/** Gives layers to other hosts over TLS until its input ends. */
export interface ServeOrder extends OfProject {
  readonly kind: 'serve';
  readonly address: string;
  /** The first free one of these is taken. */
  readonly ports: { readonly first: number; readonly last: number };
  readonly diffIds: readonly string[];
  readonly certificate: string;
  readonly privateKey: string;
  readonly token: string;
}

/** Gets layers from another host. */
export interface FetchOrder extends OfProject {
  readonly kind: 'fetch';
  readonly address: string;
  readonly port: number;
  /** The only one that is trusted. */
  readonly certificate: string;
  /** Name in the certificate. */
  readonly tlsName: string;
  readonly token: string;
  readonly layers: readonly Layer[];
}

/** Has this host's Docker load an image; layers below number `from` are there already. */
export interface LoadOrder extends OfProject {
  readonly kind: 'load';
  readonly tag: string;
  /** The image's configuration, base64. */
  readonly config: string;
  readonly diffIds: readonly string[];
  readonly from: number;
  /** Nothing waits here afterwards. */
  readonly clears: boolean;
}

/** Removes what waits here. */
export interface ClearOrder extends OfProject {
  readonly kind: 'clear';
}

export type Order = LookOrder | ReceiveOrder | ExportOrder | ServeOrder | FetchOrder | LoadOrder | ClearOrder;

/** Bytes of one filesystem. */
export interface Room {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface Looked {
  /** Where Docker keeps layers. */
  readonly store: Room;
  /** Where layers wait; often the same filesystem. */
  readonly staging: Room;
  /** Diff-id → its bytes that are here, whole or not. */
  readonly staged: Readonly<Record<string, number>>;
}

export interface Exported {
  /** The image's configuration, base64. */
  readonly config: string;
  /** Sizes of the layers that were asked for. */
  readonly layers: readonly Layer[];
}

/** What each order comes to. */
export interface Results {
  readonly look: Looked;
  readonly receive: null;
  readonly export: Exported;
  readonly serve: null;
  readonly fetch: { readonly fetchedBytes: number };
  readonly load: null;
  readonly clear: null;
}

export type Answer =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'done'; readonly result: Results[keyof Results] }
  /** `code` as Node's errors have it, such as ENOSPC. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
