import type { Command } from 'commander';
import { renderProblems } from '../problems.ts';
import { counted } from './amounts.ts';
import type { Bind, Context } from './context.ts';
import { print, printJson } from './output.ts';
import { readProject } from './project.ts';
import { hasColour } from './terminal.ts';

export function define(command: Command, bind: Bind): void {
  command
    .addHelpText(
      'after',
      `
Shows every problem with its place and what to write instead, and what Seawall understands differently from plain Compose.

Examples:
  seawall check
  seawall check --file docker-compose.yml`,
    )
    .action(bind(run));
}

async function run(context: Context): Promise<undefined> {
  const { desired, config, warnings } = await readProject(context);
  const { project, services, routes, notices } = desired;
  if (context.options.json) {
    const hosts = config.hosts.map(({ name }) => name);
    await printJson(context, {
      project,
      services: Object.keys(services),
      routes,
      hosts,
      notices,
      problems: warnings,
    });
    return;
  }
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
