import type { Command } from 'commander';
import { SeawallError } from '../errors.ts';
import type { Bind, Context } from './context.ts';
import { findKeyDocs, viewKeyDocs } from './key-docs.ts';
import { readKeyDocs } from './key-docs-source.ts';
import { print, printJson } from './output.ts';

export function define(command: Command, bind: Bind): void {
  command
    .argument(
      '[key]',
      'such as routes, hosts.app1.ssh, services.web.ports or only update_config (default: all of seawall.yml)',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  seawall docs routes\n  seawall docs services.web.deploy.update_config.order',
    )
    .action(bind(run));
}

async function run(context: Context, _options: object, key?: string): Promise<undefined> {
  const docs = await readKeyDocs();
  const result =
    key === undefined
      ? {
          found: docs.filter(({ file, key: each }) => file === 'seawall.yml' && !each.includes('.')),
          below: [],
        }
      : findKeyDocs(docs, key);
  if (result.found.length === 0) {
    const hint =
      result.meant === undefined ? 'All keys of seawall.yml: seawall docs' : `Did you mean ${result.meant}?`;
    throw new SeawallError('input', `there is no key "${key}"`, { hint });
  }
  if (context.options.json) await printJson(context, result);
  else await print(context, viewKeyDocs(result, context.style));
}
