/** What the app tests share: a lab of three hosts, and apps that are deployed on it, used, and taken down again. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, type TestContext } from 'node:test';
import { parseDocument } from 'yaml';
import { bringUpLab } from '../../lab/boot.ts';
import { findHost, takeDownLab } from '../../lab/hosts.ts';
import { ensureImages } from '../../lab/images.ts';
import type { Lab } from '../../lab/lab.ts';
import { labName, labsFolder } from '../lab-name.ts';
import { App, type AppFiles } from './app-use.ts';

const root = resolve(import.meta.dirname, '../..');
const stateDir = join(labsFolder, 'apps');

/** host1 is the edge, host2 (Engine 20.10) and host3 run the replicas. */
const lab: Lab = await bringUpLab({
  name: labName('apps'),
  hosts: 3,
  stateDir,
  say: () => undefined,
});
after(async () => {
  if (process.env.SEAWALL_KEEP_LAB === undefined) await takeDownLab(lab);
});

export interface AppOptions {
  /** Images besides those that every lab has. */
  readonly images?: readonly string[];
  /** Where the app's files come from; its folder under test/e2e/apps by default, which is laid over them otherwise. */
  readonly source?: string;
  /** The folder of seawall.yml and the Compose file inside the app's files. */
  readonly within?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Deploys an app as its user would, with `use` uses it, and takes it and its data off the hosts again. */
export async function useApp(
  t: TestContext,
  name: string,
  options: AppOptions,
  use: (app: App) => Promise<void>,
): Promise<void> {
  await ensureImages({ images: [...(options.images ?? [])], say: () => undefined });
  const app = new App(name, findHost(lab, 'host1').address, layOut(name, options), options.env ?? {});
  try {
    await app.deploy();
    await use(app);
    t.diagnostic(await app.summary());
  } catch (error) {
    if (process.env.SEAWALL_KEEP_LAB === undefined) await app.seawall(['down', '--volumes', '--yes']);
    throw error;
  }
  await app.expect(0, ['down', '--volumes', '--yes']);
}

/** A fresh copy of the app's files, with what the lab adds written beside them. */
function layOut(name: string, { source, within = '.' }: AppOptions): AppFiles {
  const top = join(stateDir, 'projects', name);
  rmSync(top, { recursive: true, force: true });
  mkdirSync(top, { recursive: true });
  if (source !== undefined) cpSync(source, top, { recursive: true });
  const folder = join(top, within);
  cpSync(join(root, 'test/e2e/apps', name), folder, { recursive: true });
  const settings = join(folder, 'seawall.yml');
  const compose = composeFiles(folder, settings);
  writeJson(join(folder, 'lab.compose.yaml'), { services: buildOnHostNetwork(folder, compose) });
  writeJson(join(folder, 'lab.yml'), { ...labSettings(), compose: [...compose, 'lab.compose.yaml'] });
  return { folder, files: [settings, join(folder, 'lab.yml')] };
}

function composeFiles(folder: string, settings: string): readonly string[] {
  const written = (parseDocument(readFileSync(settings, 'utf8')).toJS() as { compose?: string | string[] })
    .compose;
  if (written !== undefined) return [written].flat();
  const found = ['compose.yaml', 'docker-compose.yml'].find((file) => isFile(join(folder, file)));
  assert.ok(found, `no Compose file in ${folder}`);
  return [found];
}

const isFile = (path: string): boolean => {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
};

/** Builds reach the package registries only with the machine's own network here; the apps' files do not say so. */
function buildOnHostNetwork(folder: string, files: readonly string[]): Record<string, unknown> {
  const built: Record<string, unknown> = {};
  for (const file of files) {
    const parsed = parseDocument(readFileSync(join(folder, file), 'utf8'), { merge: true }).toJS() as {
      services?: Record<string, { build?: unknown }>;
    };
    for (const [service, { build }] of Object.entries(parsed.services ?? {}))
      if (build !== undefined) built[service] = { build: { network: 'host' } };
  }
  return built;
}

function labSettings(): Record<string, unknown> {
  const hosts = lab.hosts
    .filter((host) => host.role === 'host')
    .map((host) => [
      host.name,
      { ssh: host.name, address: host.address, roles: host.name === 'host1' ? ['edge'] : ['app'] },
    ]);
  return { ssh_config: lab.sshConfig, hosts: Object.fromEntries(hosts), agent: { build_network: 'host' } };
}

function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
