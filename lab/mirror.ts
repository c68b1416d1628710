import { SeawallError } from '../src/errors.ts';
import { tryCommand } from './command.ts';

/**
 * Where Debian's packages come from here: SEAWALL_LAB_MIRROR, else the mirror that this machine's own apt uses.
 * @throws SeawallError `input` when neither says.
 */
export async function debianMirror(): Promise<string> {
  const given = process.env.SEAWALL_LAB_MIRROR;
  if (given) return given;
  const { stdout } = await tryCommand('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  const found = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri.trim()));
  if (found) return found.trim().replace(/\/$/, '');
  throw new SeawallError('input', "this machine's apt names no mirror of Debian", {
    hint: 'Name one: SEAWALL_LAB_MIRROR=http://MIRROR/debian npm run lab -- images',
  });
}
