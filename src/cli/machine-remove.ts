import { SeawallError } from '../errors.ts';
import type { RemovalView } from '../rollout/index.ts';
import { confirm } from './confirm.ts';
import type { Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { viewRemoval, viewRemoved } from './machine-remove-view.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, requireName } from './project.ts';

export interface RemoveOptions {
  readonly images?: boolean;
  readonly force?: boolean;
  readonly gone?: boolean;
}

/** `seawall machine rm HOST` */
export async function removeMachine(context: Context, options: RemoveOptions, host: string): Promise<number> {
  if (context.options.hosts.length > 0) {
    throw new SeawallError('input', 'machine rm takes the host as its argument, not as --host', {
      hint: `seawall machine rm ${host}`,
    });
  }
  const { config, desired } = await readProject(context);
  const hosts = config.hosts.map(({ name }) => name);
  requireName('host', host, hosts);
  const { removeHost } = await import('../rollout/index.ts');
  const { images = false, force = false, gone = false } = options;
  const progress = progressView(context);
  const { report } = progress;
  const { json } = context.options;
  let isDeclined = false;
  const ask = async (view: RemovalView): Promise<boolean> => {
    progress.pause();
    if (!json) await print(context, viewRemoval(view, images, context.style));
    const text = view.isGone ? `Forget ${host} for good?` : `Take Seawall off ${host}?`;
    isDeclined = !(await confirm(context, { command: 'machine rm', text }));
    return !isDeclined;
  };
  try {
    const { signal } = context;
    const command = `seawall machine rm ${host}`;
    const parts = { config, desired, host, images, force, gone, command, report, signal };
    const view = await removeHost({ ...parts, confirm: ask });
    progress.close();
    const isNamed = config.hosts.some(({ name, ssh }) => name === host && ssh !== undefined);
    if (json) await printJson(context, { ...view, images: images ? view.images : [] });
    else await print(context, viewRemoved(view, isNamed, context.style));
    return EXIT.done;
  } catch (error) {
    if (!isDeclined) throw error;
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  } finally {
    progress.close();
  }
}
