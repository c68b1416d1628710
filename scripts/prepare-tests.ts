import { spawn } from 'node:child_process';
import { ensureEngine } from '../lab/engine.ts';
import { takeDownAllLabs } from '../lab/hosts.ts';
import { ensureImages } from '../lab/images.ts';

/** What tests need on this machine: an engine, the lab's images, a build. */
export async function prepareTests(): Promise<boolean> {
  await ensureEngine();
  // Every process of an earlier run is dead there; what its labs left must not be in the way.
  if (process.env.CI === 'true') await takeDownAllLabs();
  await ensureImages();
  return runNode('build', ['scripts/build.ts']);
}

/** Runs Node with these arguments, its output shown under a title; whether it ended well. */
export async function runNode(title: string, args: readonly string[]): Promise<boolean> {
  console.log(`\n── ${title}`);
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}
