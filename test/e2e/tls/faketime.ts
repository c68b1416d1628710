/** A server of Seawall that believes another time of day. All machines of the lab share the kernel's clock. */
import { runCommand } from '../../../lab/command.ts';
import { ensureImages } from '../../../lab/images.ts';
import type { Lab } from '../../../lab/lab.ts';
import { faketimeImage } from '../../../lab/recipes.ts';
import { mustOnHost } from './host.ts';

const library = '/var/lib/libfaketime.so';
const container = 'seawall-server';
const aside = `${container}-true-time`;
const api = 'curl --silent --show-error --fail-with-body --unix-socket /var/run/docker.sock';

interface Inspected {
  readonly Config: Readonly<Record<string, unknown>> & { readonly Env?: readonly string[] };
  readonly HostConfig: Readonly<Record<string, unknown>> & { readonly Binds?: readonly string[] };
}

/** Does `work` while `seawall-server` on a host has a clock that is off by `offset`, such as `-2h` or `+3d`. */
export async function withWrongClock(
  lab: Lab,
  host: string,
  offset: string,
  work: () => Promise<void>,
): Promise<void> {
  await ensureImages({ images: [faketimeImage], say: () => undefined });
  const carry = `docker run --rm "$1" | ssh -F "$2" "$3" 'cat > ${library}'`;
  await runCommand('sh', ['-c', carry, 'sh', faketimeImage, lab.sshConfig, host]);
  const found = await mustOnHost(lab, host, `${api} http://docker/containers/${container}/json`);
  const { Config, HostConfig } = JSON.parse(found) as Inspected;
  // The time that passes stays right: it is the time of day that is wrong.
  const faked = [`LD_PRELOAD=${library}`, `FAKETIME=${offset}`, 'DONT_FAKE_MONOTONIC=1'];
  const body = {
    ...Config,
    Hostname: '',
    Env: [...(Config.Env ?? []), ...faked, 'FAKETIME_DONT_FAKE_MONOTONIC=1'],
    HostConfig: { ...HostConfig, Binds: [...(HostConfig.Binds ?? []), `${library}:${library}:ro`] },
  };
  await mustOnHost(lab, host, `docker stop ${container} && docker rename ${container} ${aside}`);
  try {
    const create = `${api} -X POST -H 'Content-Type: application/json' --data-binary @- 'http://docker/containers/create?name=${container}'`;
    await mustOnHost(lab, host, create, JSON.stringify(body));
    await mustOnHost(lab, host, `docker start ${container}`);
    await work();
  } finally {
    const back = `docker rm -f ${container}; docker rename ${aside} ${container} && docker start ${container}`;
    await mustOnHost(lab, host, back);
  }
}
