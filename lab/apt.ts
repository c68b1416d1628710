import { SeawallError } from '../src/errors.ts';
import { runCommand, tryCommand } from './command.ts';
import { type Say, timed } from './progress.ts';

/** Installs Debian or Ubuntu packages on this machine; throws a hint to do it by hand where it may not. */
async function installPackages(packages: readonly string[], say: Say): Promise<void> {
  const hasApt = (await tryCommand('apt-get', ['--version'])).code === 0;
  if (process.getuid?.() !== 0 || !hasApt) {
    throw new SeawallError('refused', `The lab needs ${packages.join(', ')} on this machine`, {
      hint: `Install ${packages.join(', ')}, or run as root on Debian or Ubuntu`,
    });
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await timed(say, `Installed ${packages.join(', ')}`, async () => {
    await runCommand('apt-get', ['update', '-q'], { env });
    await runCommand('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  });
}

/** Installs the packages when the program that they bring is missing. */
export async function requireProgram(program: string, packages: readonly string[], say: Say): Promise<void> {
  const found = await tryCommand('sh', ['-c', 'command -v "$0"', program]);
  if (found.code !== 0) await installPackages(packages, say);
}
