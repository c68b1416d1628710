/** `/etc/seawall/cluster.json` on every host (root, 0600): who the host is and how it reaches its cluster. */
export interface ClusterFile {
  readonly version: 1;
  /** Random; a host that carries another id is refused. */
  readonly id: string;
  /** 32 bytes, base64: seals releases and secrets (AES-256-GCM). */
  readonly key: string;
  /** CIDR of the cluster, a /12 by default. */
  readonly range: string;
  readonly link: LinkKind;
  /** UDP port of the link; absent: {@link linkPort} knows the usual one. */
  readonly linkPort?: number;
  /** This host's kernel has no WireGuard: `seawall-link` runs it in user space. */
  readonly isLinkInUserSpace?: boolean;
  readonly catalog: CatalogPlace;
  /** The host that carries this file. */
  readonly host: ClusterHost;
  /** Every host as of the last `machine setup`, this one included; the catalog's list is newer. */
  readonly hosts: readonly ClusterHost[];
  /** TCP port of the edges for plain HTTP. */
  readonly httpPort: number;
  /** What holds for everything that the edges serve; absent: {@link defaultEdgeRules}. */
  readonly edge?: EdgeRules;
  /** Where every host's server gives metrics, from `metrics:` of seawall.yml; absent: nowhere. */
  readonly metrics?: MetricsRules;
  /** Image of the edges' nginx that a project asked for. */
  readonly edgeImage?: string;
  /** Key of seawall.yml → the project that set it for the whole cluster: where others leave it out it stays. */
  readonly settledBy?: Readonly<Record<string, string>>;
}

/** Who may read metrics, and where; fixed by `machine setup` and each deploy. */
export interface MetricsRules {
  /** A host listens on those of the addresses that are its own. */
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Addresses and ranges that may ask, besides loopback; sorted. */
  readonly from: readonly string[];
}

/** Settings of every edge, from `edge:` and `tls:` of seawall.yml; fixed by `machine setup` and each deploy. */
export interface EdgeRules {
  /** TCP (and with HTTP/3 UDP) port for HTTPS. */
  readonly httpsPort: number;
  /** Mozilla's profiles (guidelines 6.0). Protocols belong to the socket, so all domains share one. */
  readonly tlsPolicy: 'intermediate' | 'modern';
  readonly http3: boolean;
  /** CIDRs of load balancers in front: their X-Forwarded-For, or PROXY protocol, is believed. */
  readonly trustedProxies: readonly string[];
  /** Connections begin with a PROXY protocol header (HAProxy's `send-proxy`), from trusted proxies. */
  readonly proxyProtocol: boolean;
  /** Milliseconds that an idle connection of a client is kept; at least the 5 s that a reload needs. */
  readonly keepaliveMs: number;
}

export const defaultEdgeRules: EdgeRules = {
  httpsPort: 443,
  tlsPolicy: 'intermediate',
  http3: false,
  trustedProxies: [],
  proxyProtocol: false,
  keepaliveMs: 65_000,
};

export type LinkKind = 'none' | 'vxlan' | 'wireguard';

/** UDP port of a cluster's link; unless it says otherwise VXLAN's own (RFC 7348 section 5) or WireGuard's usual one. */
export const linkPort = ({ link, linkPort: port }: Pick<ClusterFile, 'link' | 'linkPort'>): number =>
  port ?? (link === 'wireguard' ? 51_820 : 4789);

export interface ClusterHost {
  readonly name: string;
  readonly number: number;
  readonly address: string;
  readonly privateAddress: string;
  readonly roles: readonly ('app' | 'edge')[];
  readonly labels: Readonly<Record<string, string>>;
  /** WireGuard's public key of the host, base64; absent while the link is another. */
  readonly publicKey?: string;
}

/** Where the catalog answers and how a client knows that it is the right one. */
export interface CatalogPlace {
  /** Name of the host that runs the embedded server. */
  readonly host: string;
  /** Private address of that host; on the host itself 127.0.0.1 answers too. */
  readonly address: string;
  readonly port: number;
  /** PEM of the server's own certificate (subject alternative name `catalog.seawall.internal`); the only one trusted. */
  readonly certificate: string;
  /** PEM; on every host, so that any of them can be made the catalog. */
  readonly privateKey: string;
  readonly token: string;
  /** Rises each time another host is made the catalog; absent: 1. The highest one counts, wherever it is heard. */
  readonly epoch?: number;
}

export const epochOf = (place: Pick<CatalogPlace, 'epoch'>): number => place.epoch ?? 1;

/** Whether one word on where the catalog is takes precedence over another. Two promotions at once: one of them wins. */
export function isNewerPlace(
  place: Pick<CatalogPlace, 'epoch' | 'host'>,
  than: Pick<CatalogPlace, 'epoch' | 'host'>,
): boolean {
  const [epoch, other] = [epochOf(place), epochOf(than)];
  return epoch > other || (epoch === other && place.host > than.host);
}

/** The one of several cluster files whose word on the catalog's place is the newest. */
export function newestFile<F extends Pick<ClusterFile, 'catalog'>>(files: readonly F[]): F | undefined {
  return files.reduce<F | undefined>(
    (best, file) => (best === undefined || isNewerPlace(file.catalog, best.catalog) ? file : best),
    undefined,
  );
}

/** Paths on a host. The agent, the server and the edge mount only what they need of them, at the same place. */
export const HOST_PATH = {
  clusterFile: '/etc/seawall/cluster.json',
  config: '/etc/seawall',
  state: '/var/lib/seawall',
  /** Last good listing of the catalog, for a start without it. */
  agentState: '/var/lib/seawall/agent',
  /** WireGuard's private key, which never leaves the host, and what the link should be. */
  link: '/var/lib/seawall/link',
  catalogData: '/var/lib/seawall/catalog',
  /** What the agent keeps of the whole catalog, on every host. */
  catalogSnapshots: '/var/lib/seawall/agent/catalog',
  /** The releases of every project once more, should no snapshot be whole. */
  releases: '/var/lib/seawall/agent/releases.json',
  edge: '/var/lib/seawall/edge',
  /** `CONTENT/HASH`: files and trees that replicas mount read-only. */
  content: '/var/lib/seawall/content',
  /** `ID.json`: certificates that the agent keeps on this host, and where; written by the operator's side alone. */
  keptCertificates: '/etc/seawall/certificates',
  /** `ID/`: certificates of services, as their replicas mount them read-only. */
  serviceCertificates: '/var/lib/seawall/certificates',
} as const;

/** Where a catalog of that epoch has its data: what an earlier one left is never taken up again. */
export const catalogFolder = (epoch: number): string =>
  epoch === 1 ? HOST_PATH.catalogData : `${HOST_PATH.catalogData}/epoch-${epoch}`;

/** Names of Seawall's own containers and of the private network's interfaces. */
export const OWN = {
  agent: 'seawall-agent',
  server: 'seawall-server',
  edge: 'seawall-edge',
  /** Runs WireGuard on hosts whose kernel has none. */
  linkProgram: 'seawall-link',
  link: 'seawall0',
  /** Bridge of block N of the host's range: `sw-N`. */
  bridgePrefix: 'sw-',
} as const;

/** TCP ports on a host's private address where it gives image layers to the cluster's other hosts, while a deploy lasts. */
export const IMAGE_PORTS = { first: 4770, last: 4777 } as const;

/** Name in the catalog's certificate; clients ask for it whatever the address. */
export const CATALOG_TLS_NAME = 'catalog.seawall.internal';
