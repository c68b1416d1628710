import type { Command } from 'commander';
import type { DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { ImageWish } from '../images/index.ts';
import { counted } from './amounts.ts';
import type { Bind, Context } from './context.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { type ProjectFiles, readProject, requireService, showWarnings } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .argument('[service...]', 'only the images of these services (default: all that have build:)')
    .addHelpText(
      'after',
      `
Builds on this machine's Docker, or on the host that x-seawall.build.on names. What is built already from the same sources is
not built again. A deploy does this by itself.

Examples:
  seawall build
  seawall build web`,
    )
    .action(bind(run));
}

async function run(context: Context, _options: object, wanted: readonly string[]): Promise<undefined> {
  const project = await readProject(context);
  const { services } = project.desired;
  for (const name of wanted) requireService(project, name);
  await showWarnings(context, project.warnings);
  const built = Object.values(services).filter(
    ({ name, build }) => build !== undefined && (wanted.length === 0 || wanted.includes(name)),
  );
  const progress = progressView(context);
  try {
    await buildAll(context, project, built, progress.report);
  } finally {
    progress.close();
  }
  const images = Object.fromEntries(built.map(({ name, image }) => [name, image]));
  if (context.options.json) await printJson(context, { project: project.desired.project, images });
  else if (built.length === 0) await print(context, 'No service has build: there is nothing to build.\n');
  else
    await print(
      context,
      `${context.style('green', '✔')} ${counted(built.length, 'image')} built: seawall deploy\n`,
    );
}

async function buildAll(
  { signal }: Context,
  { config, desired }: ProjectFiles,
  services: readonly DesiredService[],
  report: ReturnType<typeof progressView>['report'],
): Promise<void> {
  const [{ connectHosts, Docker, localSocket }, { buildImages, readDockerConfig }] = await Promise.all([
    import('../hosts/index.ts'),
    import('../images/index.ts'),
  ]);
  const builders = new Set(services.flatMap(({ build }) => build?.on ?? []));
  const hosts = config.hosts.filter(({ name }) => builders.has(name));
  const { links, failures } = await connectHosts(hosts, { sshConfig: config.sshConfig, signal });
  const operator = new Docker(localSocket());
  try {
    const [failure] = failures;
    if (failure !== undefined) throw failure.error;
    const isHere = services.some(({ build }) => build?.on === undefined);
    if (isHere) await operator.ping({ signal }).catch(noBuilder);
    await buildImages(services.map(wishOf), {
      project: desired.project,
      operator,
      links: new Map(links.map((link) => [link.name, link])),
      dockerConfig: await readDockerConfig(),
      report,
      signal,
    });
  } finally {
    operator.close();
    for (const link of links) link.close();
  }
}

function noBuilder(cause: unknown): never {
  throw new SeawallError(
    'unreachable',
    'the Docker of this machine does not answer, so nothing can be built here',
    {
      hint: 'Start it, or build on a host: x-seawall: { build: { on: HOST } }',
      cause,
    },
  );
}

function wishOf({ name, image, build, pull, platform }: DesiredService): ImageWish {
  return {
    ...{ service: name, reference: image, pull, hosts: [] },
    ...(build === undefined ? {} : { build }),
    ...(platform === undefined ? {} : { platform }),
  };
}
