import { SeawallError } from '../errors.ts';
import type { HostLink } from './connect.ts';

/** Milliseconds for the package lists, the download and the start of Docker. */
const installTimeoutMs = 10 * 60_000;

/** Exit codes of {@link installScript} that mean something. */
const exits: Readonly<Record<number, { readonly message: string; readonly hint: string }>> = {
  90: {
    message: 'Docker is missing and Seawall installs it on Debian and Ubuntu only',
    hint: 'Install Docker Engine 20.10 or newer there and run this again.',
  },
  91: {
    message: 'Docker is missing and the user who logs in may not install it',
    hint: 'Log in as root, or let the user run sudo without a password, or install it by hand: apt install docker.io',
  },
  92: {
    message: 'Docker was installed but does not start',
    hint: 'Look there: journalctl -u docker -n 50',
  },
};

/**
 * Runs as the user who logs in. Packages are the distribution's own (`docker.io`); the user gets into the group
 * `docker`, which counts from the next login on.
 */
const installScript = `
set -u
. /etc/os-release 2>/dev/null || exit 90
case " \${ID:-} \${ID_LIKE:-} " in *" debian "*|*" ubuntu "*) ;; *) exit 90 ;; esac
if [ "$(id -u)" = 0 ]; then as_root=""; else sudo -n true 2>/dev/null || exit 91; as_root="sudo -n"; fi
if ! command -v dockerd >/dev/null 2>&1 && [ ! -x /usr/sbin/dockerd ]; then
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update || exit 100
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends docker.io iptables ca-certificates || exit 100
fi
if [ -d /run/systemd/system ]; then
  $as_root systemctl enable --now docker || exit 92
elif command -v service >/dev/null 2>&1; then
  $as_root service docker start || exit 92
fi
if [ "$(id -u)" != 0 ]; then $as_root usermod -aG docker "$(id -un)" || exit 100; fi
waited=0
while [ ! -S /var/run/docker.sock ]; do
  waited=$((waited + 1))
  [ "$waited" -le 60 ] || exit 92
  sleep 1
done
`;

/**
 * Installs and starts Docker on a Debian or Ubuntu host from the distribution's packages. Safe to repeat. The
 * connection has to be made anew afterwards.
 * @throws SeawallError `refused` with the remedy when it cannot.
 */
export async function installDocker(
  link: Pick<HostLink, 'exec' | 'name'>,
  options: { readonly onOutput?: (text: string) => void; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const result = await link.exec(['sh', '-c', installScript], { ...options, timeoutMs: installTimeoutMs });
  if (result.exitCode === 0) return;
  const known = exits[result.exitCode];
  const said = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-20).join('\n');
  throw new SeawallError('refused', known?.message ?? 'installing Docker failed', {
    where: link.name,
    hint: known?.hint ?? 'Install it by hand: apt install docker.io',
    cause: new Error(said),
  });
}
