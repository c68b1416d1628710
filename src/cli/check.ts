import type { Command } from 'commander';
import { renderProblems } from '../problems.ts';
import type { CertificateStatus } from '../rollout/index.ts';
import { counted } from './amounts.ts';
import { viewCertificates } from './cert-view.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { type ProjectFiles, readProject, withSession } from './project.ts';
import { hasColour } from './terminal.ts';

export function define(command: Command, bind: Bind): void {
  command
    .option(
      '--certificates',
      "look at the project's certificates on the hosts too; exits with 1 when one needs somebody",
    )
    .addHelpText(
      'after',
      `
Shows every problem with its place and what to write instead, and what Seawall understands differently from plain Compose.

Touches no host: it says the same in CI and on a train. What given certificate files are good for is checked as well. How the
certificates that are served stand only the cluster knows: --certificates asks it, for cron and monitoring.

Examples:
  seawall check
  seawall check --certificates
  seawall check --file docker-compose.yml`,
    )
    .action(bind(run));
}

async function run(context: Context, options: { readonly certificates?: boolean }): Promise<number> {
  const files = await readProject(context);
  const certificates = options.certificates === true ? await certificatesOf(context, files) : undefined;
  await (context.options.json ? showJson(context, files, certificates) : show(context, files));
  if (certificates === undefined) return EXIT.done;
  const { style, terminal } = context;
  if (!context.options.json)
    await print(context, `\n${viewCertificates(certificates, terminal.now(), style)}`);
  const { isBad } = await import('../rollout/index.ts');
  return certificates.some(isBad) ? EXIT.failed : EXIT.done;
}

/** How the project's certificates stand on the hosts. */
async function certificatesOf(
  context: Context,
  project: ProjectFiles,
): Promise<readonly CertificateStatus[]> {
  return withSession(context, project, progressView(context), async (session) => {
    const { clusterOf, readCertificates } = await import('../rollout/index.ts');
    const all = await readCertificates(clusterOf(session).client, context.signal, context.terminal.now);
    return all.filter(({ projects }) => projects.includes(project.desired.project));
  });
}

async function showJson(
  context: Context,
  { desired, config, warnings }: ProjectFiles,
  certificates: readonly CertificateStatus[] | undefined,
): Promise<void> {
  const { project, services, routes, notices } = desired;
  await printJson(context, {
    ...{ project, services: Object.keys(services), routes, hosts: config.hosts.map(({ name }) => name) },
    ...{ notices, problems: warnings },
    ...(certificates === undefined ? {} : { certificates }),
  });
}

async function show(context: Context, { desired, config, warnings }: ProjectFiles): Promise<void> {
  const { project, services, routes, notices } = desired;
  const { style } = context;
  if (warnings.length > 0) {
    await print(
      context,
      `${renderProblems(warnings, { colour: hasColour(context.terminal, context.terminal.stdout) })}\n`,
    );
  }
  if (notices.length > 0) {
    const lines = notices.map(({ path, text, where }) => `  ${path}: ${text} ${style('dim', `(${where})`)}`);
    await print(context, `${style('bold', 'How the files are read')}\n${lines.join('\n')}\n\n`);
  }
  const counts = [
    counted(Object.keys(services).length, 'service'),
    counted(routes.length, 'route'),
    counted(config.hosts.length, 'host'),
  ];
  await print(context, `${style('green', '✔')} ok: ${style('bold', project)}, ${counts.join(', ')}\n`);
}
