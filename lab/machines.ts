import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SeawallError } from '../src/errors.ts';
import { runCommand, tryCommand } from './command.ts';
import { type KeyPair, packIdentity } from './keys.ts';
import { bridgeName, folderLabel, type LabHost, labLabel } from './lab.ts';
import { plugCable } from './network.ts';
import { foreignImage } from './recipes.ts';

const bootTimeoutMs = 180_000;

/** A machine that is to exist: the container that plays it, and where it sits. */
export interface Machine {
  readonly lab: string;
  readonly stateDir: string;
  readonly name: string;
  readonly image: string;
  readonly container: string;
  readonly network: string;
  readonly address: string;
  readonly address6?: string;
  /** The machines whose names it knows, whether they exist yet or not. */
  readonly neighbours: ReadonlyArray<{ readonly name: string; readonly address: string }>;
}

/**
 * What lets Docker run inside a container: `--privileged`, or, on a machine that itself lacks a
 * capability and so cannot give them all, each part of it by name.
 */
export type Privileges = readonly string[];

const fullPrivileges: Privileges = ['--privileged'];
const namedPrivileges: Privileges = [
  ...['--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE'],
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
  ...['--security-opt', 'systempaths=unconfined', '--device-cgroup-rule', 'a *:* rwm'],
];

/** Finds out by trying which privileges this engine can give. */
export async function probePrivileges(image: string): Promise<Privileges> {
  const args = ['run', '--rm', '--network', 'none', '--entrypoint', 'true'];
  const full = await tryCommand('docker', [...args, ...fullPrivileges, image]);
  return full.code === 0 ? fullPrivileges : namedPrivileges;
}

/** The arguments of `docker create` for a machine. */
export function createArguments(machine: Machine, privileges: Privileges): string[] {
  const isForeign = machine.image === foreignImage;
  return [
    ...['create', '--name', machine.container, '--hostname', machine.name],
    ...['--label', `${labLabel}=${machine.lab}`, '--label', `${folderLabel}=${machine.stateDir}`],
    ...['--network', machine.network, '--network-alias', machine.name, '--ip', machine.address],
    ...(machine.address6 ? ['--ip6', machine.address6] : []),
    ...machine.neighbours.flatMap(({ name, address }) => ['--add-host', `${name}:${address}`]),
    // As on a real machine, a boot finds /run empty.
    ...['--tmpfs', '/run:rw,exec,mode=755', '--log-opt', 'max-size=10m'],
    ...(isForeign ? ['--cap-add', 'NET_ADMIN'] : privileges),
    ...(isForeign ? [] : ['--volume', `${machine.container}:/var/lib/docker`]),
    machine.image,
  ];
}

/** Makes the machine exist and run; one that exists is only powered on and connected. */
export async function ensureMachine(
  machine: Machine,
  privileges: Privileges,
  userKey: KeyPair,
  hostKey: KeyPair,
): Promise<void> {
  const { container } = machine;
  const exists = (await tryCommand('docker', ['container', 'inspect', container])).code === 0;
  if (!exists) {
    if (machine.image !== foreignImage) await createDisk(machine);
    await runCommand('docker', createArguments(machine, privileges));
    const privateKey = await readFile(hostKey.file, 'utf8');
    const hasDeployUser = machine.image !== foreignImage;
    const identity = await packIdentity(userKey, privateKey, hostKey.publicKey, hasDeployUser);
    await runCommand('docker', ['cp', '-', `${container}:/`], { input: identity });
  }
  await runCommand('docker', ['start', container]);
  if (exists) await plugCable(container, bridgeName(machine.lab));
}

/** The volume of a machine's images and containers; labelled, so that taking the lab down finds it. */
async function createDisk({ lab, container }: Machine): Promise<void> {
  await runCommand('docker', ['volume', 'create', '--label', `${labLabel}=${lab}`, container]);
}

/** Waits until a command succeeds on the machine by ssh, and returns what it printed. */
export async function waitForAnswer(
  sshConfig: string,
  { name, container }: LabHost,
  command: readonly string[],
): Promise<string> {
  const deadlineMs = performance.now() + bootTimeoutMs;
  for (;;) {
    const answer = await tryCommand('ssh', ['-F', sshConfig, '-o', 'ConnectTimeout=2', name, ...command], {
      timeoutMs: 10_000,
    });
    if (answer.code === 0) return answer.stdout.trim();
    if (performance.now() > deadlineMs) {
      throw new SeawallError('timeout', `${name} did not come up within ${bootTimeoutMs / 1000} s`, {
        hint: `docker logs ${container}; docker exec ${container} tail -n 50 /var/log/dockerd.log`,
        where: name,
        cause: new Error(answer.stderr.trim()),
      });
    }
    await delay(200);
  }
}
