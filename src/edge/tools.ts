import { HeldKey } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import { defaultEdgeRules, HOST_PATH, OWN } from '../cluster.ts';
import { reportOnce } from '../report-once.ts';
import type { EdgeCapabilities } from './capabilities.ts';
import { CatalogEar } from './heard.ts';
import { InForce } from './in-force.ts';
import { emptyBook } from './lingering.ts';
import { NginxControl } from './nginx.ts';
import type { EdgeOptions } from './options.ts';
import { Probes } from './probes.ts';
import { SilentHosts } from './silent-hosts.ts';
import type { EdgeSnapshot } from './snapshot.ts';
import { TlsEar } from './tls-heard.ts';
import { TlsKeeper } from './tls-keeper.ts';

/** What one run of the loop works with. */
export interface EdgeTools {
  readonly nginx: NginxControl;
  readonly inForce: InForce;
  readonly ear: CatalogEar;
  readonly probes: Probes;
  readonly ack: HeldKey;
  readonly tls: TlsKeeper;
  readonly tlsEar: TlsEar;
  readonly tlsAck: HeldKey;
  readonly silentHosts: SilentHosts;
  readonly onFileError: (error: unknown) => void;
}

/** Milliseconds after which acknowledgements of an edge that died vanish. */
const ackTtlMs = 15_000;

export const edgePathOf = ({ paths }: EdgeOptions): string => paths?.edge ?? HOST_PATH.edge;

/** The host's private address and the one after it (see "The edge" in docs/architecture.md). */
export function sourcesOf({ host: { privateAddress } }: EdgeOptions): {
  readonly requests: string;
  readonly upgraded: string;
} {
  const parts = privateAddress.split('.');
  const upgraded = [...parts.slice(0, 3), Number(parts[3]) + 1].join('.');
  return { requests: privateAddress, upgraded };
}

/** @param capabilities what an earlier run found. */
export function makeNginxControl(
  options: EdgeOptions,
  capabilities: EdgeCapabilities | undefined,
): NginxControl {
  const { docker, container = OWN.edge, httpPort, rules = defaultEdgeRules } = options;
  const sockets = {
    listenPorts: [httpPort, rules.httpsPort],
    multiplexedPorts: [rules.httpsPort],
    hasHttp3: rules.http3,
    upgradedSource: sourcesOf(options).upgraded,
  };
  const known = capabilities === undefined ? {} : { capabilities };
  return new NginxControl({ docker, container, edgePath: edgePathOf(options), sockets, ...known });
}

/** Starts listening and probing, until the signal of the options. @param wake there is news. */
export function startTools(
  options: EdgeOptions,
  nginx: NginxControl,
  snapshot: EdgeSnapshot | undefined,
  wake: () => void,
): EdgeTools {
  const { client, clusterKey, host, signal, log } = options;
  const silence = reportOnce((text) => log(`edge: catalog: ${text}`));
  const onError = silence.report;
  const onChange = () => {
    silence.over();
    wake();
  };
  const held = (key: string) => new HeldKey(client, { key, ttlMs: ackTtlMs, behavior: 'delete', onError });
  return {
    nginx,
    inForce: new InForce({ nginx, book: snapshot?.book ?? emptyBook, signal, log }),
    ear: new CatalogEar({ client, signal, before: snapshot?.heard, onChange, onError }),
    probes: new Probes({ signal, onChange: wake, admitted: snapshot?.admitted ?? [] }),
    tls: new TlsKeeper({ edgePath: edgePathOf(options), clusterKey, kept: snapshot?.tls, log }),
    tlsEar: new TlsEar({ client, signal, onChange, onError }),
    ack: held(KEY.edgeAck(host.name)),
    tlsAck: held(KEY.tlsAck(host.name)),
    silentHosts: new SilentHosts({ log }),
    onFileError: reportOnce((text) => log(`warn edge: challenge answers: ${text}`)).report,
  };
}
