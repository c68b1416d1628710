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
    hint: 'Look there: journalctl -u docker -n 50 (without systemd: /var/log/docker.log)',
  },
};

/**
 * Runs as the user who logs in. Packages are the distribution's own: `docker.io`, and `docker-cli` where that is apart
 * (Debian 13); the user gets into the group `docker`, which counts from the next login on. A new server is often still
 * installing updates of its own, and an earlier installation may have been cut short: apt waits for its lock, and
 * what was left half done is done first.
 */
const installScript = `
set -u
. /etc/os-release 2>/dev/null || exit 90
case " \${ID:-} \${ID_LIKE:-} " in *" debian "*|*" ubuntu "*) ;; *) exit 90 ;; esac
if [ "$(id -u)" = 0 ]; then as_root=""; else sudo -n true 2>/dev/null || exit 91; as_root="sudo -n"; fi
as_root="$as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
apt="$as_root apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold"
if ! command -v dockerd >/dev/null 2>&1 && [ ! -x /usr/sbin/dockerd ]; then
  attempt=0
  until $apt update; do
    attempt=$((attempt + 1))
    [ "$attempt" -lt 6 ] || exit 100
    sleep 10
  done
  $as_root dpkg --configure -a || true
  client=$(apt-cache pkgnames docker-cli | grep -x docker-cli)
  $apt install --no-install-recommends docker.io $client iptables ca-certificates || exit 100
fi
if [ -d /run/systemd/system ]; then
  $as_root systemctl enable --now docker || exit 92
elif command -v service >/dev/null 2>&1 || [ -x /usr/sbin/service ]; then
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
  const said = `${result.stdout}\n${result.stderr}`.trim().split('\n');
  // apt's own word for errors.
  const reason = said.findLast((line) => line.startsWith('E: '))?.slice(3);
  const failed = reason === undefined ? 'installing Docker failed' : `installing Docker failed: ${reason}`;
  throw new SeawallError('refused', known?.message ?? failed, {
    where: link.name,
    hint: known?.hint ?? 'Install it by hand: apt install docker.io',
    cause: new Error(said.slice(-20).join('\n')),
  });
}
