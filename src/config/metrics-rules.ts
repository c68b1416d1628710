import type { EdgeRules, MetricsRules } from '../cluster.ts';
import { type Node, placeAt } from '../compose/index.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { isLoopback, parseListenAddress } from './listen-address.ts';
import type { ConfigInput } from './schema.ts';

/** Port that Prometheus' list of exporters has for OpenTelemetry's: free on a host without one. */
const DEFAULT_LISTEN = '127.0.0.1:9464';

/** Who may read metrics and where; nothing without `metrics:`. What would open them to everybody is refused. */
export function settleMetrics(
  { metrics }: Pick<ConfigInput, 'metrics'>,
  ports: Pick<EdgeRules, 'httpsPort'> & { readonly httpPort: number },
  root: Node,
): { readonly rules?: MetricsRules; readonly problems: readonly Problem[] } {
  if (metrics === undefined) return { problems: [] };
  const problems: Problem[] = [];
  const report = (path: KeyPath, text: string, remedy: string) =>
    problems.push(problemAt(placeAt(root, path), path, text, remedy));
  const from = metrics.from ?? [];
  const written = metrics.listen ?? [DEFAULT_LISTEN];
  const listen = written.flatMap((text, index) => {
    const place = parseListenAddress(text);
    if (place === undefined) return [];
    const path = ['metrics', 'listen', index];
    const used = { http_port: ports.httpPort, https_port: ports.httpsPort };
    const taken = Object.entries(used).find(([, port]) => port === place.port);
    if (taken !== undefined)
      report(path, `port ${place.port} is edge.${taken[0]}`, 'Take another one, such as 9464.');
    if (!isLoopback(place.address) && from.length === 0)
      report(
        path,
        `${place.address} can be reached from outside, and nothing says who may read metrics there`,
        `Add from: with the addresses of your Prometheus, or listen on ${DEFAULT_LISTEN} alone.`,
      );
    return [place];
  });
  for (const [index, text] of from.entries()) {
    if (/\/0+$/.test(text))
      report(
        ['metrics', 'from', index],
        `${text} is everybody, and metrics have neither a password nor TLS`,
        'Name the addresses of your Prometheus.',
      );
  }
  if (from.length > 0 && listen.length > 0 && listen.every(({ address }) => isLoopback(address)))
    report(
      ['metrics', 'from'],
      'nobody but the host itself reaches the addresses in listen:',
      "Add one that others reach, such as the host's own, or remove from:.",
    );
  return { rules: { listen, from: [...new Set(from)].sort() }, problems };
}
