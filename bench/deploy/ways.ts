import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../lab/command.ts';
import { onHost } from '../command.ts';
import type { Project, Stage } from '../stage.ts';
import { composeProgram } from '../tools.ts';

/** One way to bring an image that was built here to four replicas on two hosts. */
export interface Way {
  readonly name: string;
  /** Makes the hosts ready; not measured. */
  readonly prepare: () => Promise<void>;
  /**
   * Builds what the folder holds, brings it to the hosts, and returns when all replicas run it. Gives the bytes of images that were
   * moved, where the program counts them itself.
   */
  readonly deploy: () => Promise<number | undefined>;
  readonly remove: () => Promise<void>;
}

export const appHosts = ['host2', 'host3'] as const;
const image = 'localhost:5555/big';

/** What `seawall deploy --json` says (docs/reference/json.md). */
interface Deployed {
  readonly transfer?: { readonly uploadedBytes: number; readonly betweenHostsBytes: number };
}

export function seawallWay(project: Project): Way {
  return {
    name: 'seawall deploy',
    prepare: async () => undefined,
    deploy: async () => {
      const { transfer } = JSON.parse(await project.seawall(['deploy', '--yes', '--json'])) as Deployed;
      return transfer === undefined ? undefined : transfer.uploadedBytes + transfer.betweenHostsBytes;
    },
    remove: async () => {
      await project.seawall(['down', '--yes', '--volumes']);
    },
  };
}

/** Swarm pulls from the registry; without its load balancer, for which this machine's kernel has no IPVS. */
export function stackWay({ lab, address }: Stage, project: Project): Way {
  const stack = {
    services: {
      web: {
        image,
        deploy: { replicas: 4, endpoint_mode: 'dnsrr', update_config: { order: 'start-first' } },
      },
    },
  };
  return {
    name: 'docker stack deploy',
    prepare: async () => {
      await onHost(lab, 'host3', `docker swarm init --advertise-addr ${address('host3')}`);
      const token = await onHost(lab, 'host3', 'docker swarm join-token -q worker');
      await onHost(lab, 'host2', `docker swarm join --token ${token} ${address('host3')}:2377`);
    },
    deploy: async () => {
      await buildAndPush(project);
      const file = JSON.stringify({ version: '3.8', ...stack });
      await onHost(lab, 'host3', 'docker stack deploy --detach=false -c - big', file);
      return undefined;
    },
    remove: async () => {
      await onHost(lab, 'host3', 'docker stack rm big || true; docker swarm leave --force || true');
      await onHost(lab, 'host2', 'docker swarm leave --force || true');
    },
  };
}

/** What people do by hand: the same Compose file on each host, which pulls and recreates. Two replicas on each. */
export function composeWay({ lab }: Stage, project: Project): Way {
  const file = JSON.stringify({ name: 'bigc', services: { web: { image, scale: 2 } } });
  const each = (script: string, input = '') =>
    Promise.all(appHosts.map((host) => onHost(lab, host, script, input)));
  return {
    name: 'docker compose up on each host',
    prepare: async () => {
      const program = await composeProgram();
      const plugin = '/usr/local/lib/docker/cli-plugins/docker-compose';
      const script = `mkdir -p $(dirname ${plugin}) && base64 -d >${plugin} && chmod 0755 ${plugin}`;
      const text = await runCommand('base64', [program]);
      await each(script, text);
    },
    deploy: async () => {
      await buildAndPush(project);
      await each('docker compose -f - up -d --pull always --quiet-pull --wait', file);
      return undefined;
    },
    remove: async () => {
      await each('docker compose -f - down -t 1 || true', file);
    },
  };
}

/** As `docker compose build` and `push` would. */
async function buildAndPush({ folder }: Project): Promise<void> {
  await runCommand('docker', ['build', '--quiet', '--tag', image, folder], {
    env: { DOCKER_BUILDKIT: '0' },
  });
  await runCommand('docker', ['push', '--quiet', image]);
}

/** Fills the application's 1 MB with bytes that no layer has yet. */
export async function changeApp({ folder }: Project): Promise<void> {
  const { randomBytes } = await import('node:crypto');
  writeFileSync(join(folder, 'small.bin'), randomBytes(1_000_000));
}
