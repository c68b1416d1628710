import type { CommandFile } from './context.ts';

/** A command as the list of commands shows it; the rest of it is loaded when it is called. */
export interface CommandEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly group: 'Deploy' | 'Look' | 'Operate' | 'Hosts' | 'Help';
  load(): Promise<CommandFile>;
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'check',
    group: 'Deploy',
    summary: 'check the files without touching a host',
    load: () => import('./check.ts'),
  },
  {
    name: 'plan',
    group: 'Deploy',
    summary: 'show what a deploy would change, and why',
    load: () => import('./plan.ts'),
  },
  {
    name: 'build',
    group: 'Deploy',
    summary: 'build the images, without deploying them',
    load: () => import('./build.ts'),
  },
  {
    name: 'deploy',
    aliases: ['up'],
    group: 'Deploy',
    summary: 'make the hosts run what the files say',
    load: () => import('./deploy.ts'),
  },
  {
    name: 'scale',
    group: 'Deploy',
    summary: 'change how many replicas services have',
    load: () => import('./scale.ts'),
  },
  {
    name: 'rollback',
    group: 'Deploy',
    summary: 'return to an earlier release',
    load: () => import('./rollback.ts'),
  },
  {
    name: 'down',
    group: 'Deploy',
    summary: 'take the project off the hosts; volumes are kept',
    load: () => import('./down.ts'),
  },
  { name: 'ps', group: 'Look', summary: 'list replicas and how they are', load: () => import('./ps.ts') },
  {
    name: 'logs',
    group: 'Look',
    summary: 'show the logs of all replicas, merged by time',
    load: () => import('./logs.ts'),
  },
  {
    name: 'releases',
    group: 'Look',
    summary: 'list the releases that can be returned to',
    load: () => import('./releases.ts'),
  },
  {
    name: 'metrics',
    group: 'Look',
    summary: 'print metrics of the cluster for Prometheus',
    load: () => import('./metrics.ts'),
  },
  {
    name: 'exec',
    group: 'Operate',
    summary: 'run a program in a running replica',
    load: () => import('./exec.ts'),
  },
  {
    name: 'run',
    group: 'Operate',
    summary: 'run a one-off container of a service',
    load: () => import('./run.ts'),
  },
  {
    name: 'lock',
    group: 'Operate',
    summary: 'see or release the lock of a deploy',
    load: () => import('./lock.ts'),
  },
  {
    name: 'volume',
    group: 'Operate',
    summary: 'see where volumes live, or give a lost one up',
    load: () => import('./volume.ts'),
  },
  {
    name: 'machine',
    group: 'Hosts',
    summary: 'prepare, list and release the hosts',
    load: () => import('./machine.ts'),
  },
  {
    name: 'catalog',
    group: 'Hosts',
    summary: 'see where the catalog is, or make another host it',
    load: () => import('./catalog.ts'),
  },
  {
    name: 'ca',
    group: 'Hosts',
    summary: 'run a private certificate authority: issue, list, revoke',
    load: () => import('./ca.ts'),
  },
  {
    name: 'cert',
    group: 'Operate',
    summary: 'see, order, renew, revoke and import certificates',
    load: () => import('./cert.ts'),
  },
  {
    name: 'docs',
    group: 'Help',
    summary: 'explain a key of seawall.yml or of the Compose file',
    load: () => import('./docs.ts'),
  },
  {
    name: 'version',
    group: 'Help',
    summary: 'show the version of Seawall and of Node',
    load: () => import('./version.ts'),
  },
];
