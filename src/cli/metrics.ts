import type { Command } from 'commander';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, refuseHosts, withSession } from './project.ts';
import { write } from './terminal.ts';
import { VERSION } from './version.ts';

export function define(command: Command, bind: Bind): void {
  command
    .addHelpText(
      'after',
      `
In Prometheus' text format: what a host answers at /metrics where seawall.yml says "metrics:", but for what only a host that listens
all the time knows (its own programs and snapshots, when signs of life came, how far clocks differ).

For cron with the textfile collector, or for a push. Exits with ${EXIT.unreachable} when the catalog does not answer.

Examples:
  seawall metrics
  seawall metrics > /var/lib/node_exporter/seawall.prom.new && mv /var/lib/node_exporter/seawall.prom.new /var/lib/node_exporter/seawall.prom
  seawall metrics --json`,
    )
    .action(bind(run));
}

async function run(context: Context): Promise<number> {
  refuseHosts(context, 'metrics');
  const project = await readProject(context);
  return withSession(context, project, progressView(context), async (session) => {
    const [{ clusterOf }, { describeMetrics, metricsText, readCluster, samplesOf }, { readNextUpdate }] =
      await Promise.all([
        import('../rollout/index.ts'),
        import('../metrics/index.ts'),
        import('../certs/index.ts'),
      ]);
    const { client, cluster } = clusterOf(session);
    const { signal, terminal, options } = context;
    const { view, index, parts, failures } = await readCluster({
      client,
      clusterKey: cluster.key,
      readNextUpdate,
      signal,
    });
    const { host, epoch = 1 } = cluster.catalog;
    const own = {
      ...{ version: VERSION, node: process.versions.node },
      ...{ isCatalogUp: true, catalog: { host, epoch }, index, parts },
    };
    const samples = samplesOf(view, own, terminal.now());
    for (const [part, why] of Object.entries(failures))
      await write(
        terminal.stderr,
        `${part} of the catalog could not be read, its metrics are left out: ${why}\n`,
      );
    await (options.json
      ? printJson(context, describeMetrics(samples))
      : print(context, (await metricsText(samples, 'prometheus')).text));
    return EXIT.done;
  });
}
