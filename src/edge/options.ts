import type { CatalogClient } from '../catalog/index.ts';
import type { ClusterHost, EdgeRules } from '../cluster.ts';
import type { Docker } from '../hosts/index.ts';

export interface EdgeOptions {
  readonly client: Pick<
    CatalogClient,
    | 'kvGet'
    | 'kvList'
    | 'kvPut'
    | 'services'
    | 'serviceInstances'
    | 'sessionCreate'
    | 'sessionDestroy'
    | 'sessionInfo'
    | 'sessionRenew'
  >;
  readonly docker: Pick<Docker, 'exec' | 'execInteractive' | 'killContainer' | 'inspectContainer'>;
  readonly host: Pick<ClusterHost, 'name' | 'privateAddress'>;
  /** TCP port for plain HTTP. */
  readonly httpPort: number;
  /** base64; opens the keys of certificates. */
  readonly clusterKey: string;
  /** What holds for all domains; `defaultEdgeRules` by default. */
  readonly rules?: EdgeRules;
  /** Ends the loop; nginx serves on. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly clock?: () => number;
  /** Milliseconds since 1970; HSTS waits until certificates are a day old. */
  readonly wallClock?: () => number;
  /** Where things are; tests and the demo have other places. */
  readonly paths?: { readonly edge: string; readonly state: string };
  readonly container?: string;
  /** Unix user of nginx's workers. */
  readonly user?: string;
}
