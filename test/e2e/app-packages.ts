/** Whole source trees of public projects, for apps whose Compose files build from them. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../lab/command.ts';
import { ensureImages } from '../../lab/images.ts';

/** A source package on PyPI, pinned by the sha256 of its archive. */
export interface SourcePackage {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

/** github.com/benoitc/gunicorn, MIT licence. */
export const gunicorn: SourcePackage = {
  name: 'gunicorn',
  version: '27.0.1',
  sha256: 'b1514965361c8b7e8107a80aa2a92636878df1ccfac6dd204a676426e04d9e3e',
};

/** The folder with a package's files as published; pip takes it from this machine's index once and checks its hash. */
export async function sourceTree({ name, version, sha256 }: SourcePackage): Promise<string> {
  const folder = join(homedir(), '.cache/seawall-lab/packages', sha256);
  const tree = join(folder, `${name}-${version}`);
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).includes(`${name}-${version}`)) return tree;
  await ensureImages({ images: ['python:3.13-slim'], say: () => undefined });
  writeFileSync(join(folder, 'wanted.txt'), `${name}==${version} --hash=sha256:${sha256}\n`);
  const download = ['pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '--require-hashes'];
  const container = ['run', '--rm', '--network', 'host', '--volume', `${folder}:/out`, 'python:3.13-slim'];
  await runCommand('docker', [
    ...container,
    ...download,
    '--dest',
    '/out',
    '--requirement',
    '/out/wanted.txt',
  ]);
  await runCommand('tar', [
    '-xzf',
    join(folder, `${name}-${version}.tar.gz`),
    '-C',
    folder,
    '--no-same-owner',
  ]);
  return tree;
}
