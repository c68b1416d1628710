import type { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { Bind, Context } from './context.ts';
import { printJson } from './output.ts';
import { write } from './terminal.ts';

/** The version of Seawall, such as `0.1.0`. */
export const VERSION: string = packageJson.version;

export function define(command: Command, bind: Bind): void {
  command.action(bind(run));
}

async function run(context: Context): Promise<undefined> {
  if (context.options.json) {
    await printJson(context, { version: VERSION, node: process.versions.node });
  } else await write(context.terminal.stdout, versionText());
}

export const versionText = (): string => `seawall ${VERSION} (Node ${process.versions.node})\n`;
