/** `npm run check`: everything that can be said about the code without running it, in seconds. */
import { spawn } from 'node:child_process';

const checks: ReadonlyArray<readonly [name: string, command: string, ...args: string[]]> = [
  ['lint and format', 'biome', 'check', '--error-on-warnings', '.'],
  ['types', 'tsc', '--noEmit'],
  [
    'import ranks, dependencies',
    process.execPath,
    '--test',
    'test/boundaries.test.ts',
    'test/dependencies.test.ts',
  ],
  ['unused exports', 'knip'],
  ['generated docs', process.execPath, 'scripts/docs.ts', '--check'],
];

async function run([name, command, ...args]: (typeof checks)[number]): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit) => resolve(exit ?? 1));
  });
  // Biome ends with 0 when it only has remarks; there are to be none.
  const isClean = code === 0 && !/^Found \d+ infos?\./m.test(output);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${isClean ? '✔' : '✘'} ${name} (${seconds} s)`);
  if (!isClean) console.log(output);
  return isClean;
}

const results = await Promise.all(checks.map(run));
process.exit(results.every(Boolean) ? 0 : 1);
