/** A certificate of the private CA that a host's agent keeps in a folder: what the operator's side writes and the agent reads. */
import { posix } from 'node:path';
import { certificateId } from './names.ts';

/**
 * `/etc/seawall/certificates/ID.json` on a host (root, 0600). It stands there and not in the catalog, because the agent lets a
 * helper write as root where it says: only who may write on the host says so.
 */
export interface KeptCertificate {
  readonly version: 1;
  /** Of the certificate in the catalog. */
  readonly id: string;
  /** Absolute path on the host. */
  readonly folder: string;
  /** Names of the files in it. */
  readonly files: { readonly certificate: string; readonly key: string; readonly trust: string };
  /** Who may read the key, besides root. */
  readonly uid: number;
  readonly gid: number;
  /** Files of these names that somebody else made are replaced. */
  readonly replaces: boolean;
  /** Who is told of new files; absent: nobody. */
  readonly reload?: KeptReload;
}

export interface KeptReload {
  /** `restart`: the container is stopped and started; only of one that is named. */
  readonly signal: ReloadSignal | 'restart';
  /** Name of a container; absent: every replica that mounts the folder. */
  readonly container?: string;
}

/** Signals that programs read their files anew at; one that ends them is no reload. */
export const RELOAD_SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
export type ReloadSignal = (typeof RELOAD_SIGNALS)[number];

/** Of the certificate that a service's replicas serve with. No domain begins with `_`, so no route's is like it. */
export const serviceCertificateId = (project: string, service: string): string =>
  `_service.${project}.${service}`;

/** Of a certificate that a host keeps for something of its own. @param first name that it is for. */
export const hostCertificateId = (host: string, first: string): string => `_host.${fileStem(first)}@${host}`;

/** What the files of a certificate are called by. @param first name that it is for. */
export const fileStem = (first: string): string => certificateId(first).replaceAll(/[^A-Za-z0-9_.-]/g, '_');

/** Host of a certificate that {@link hostCertificateId} names; undefined: it is none. */
export const hostOfCertificate = (id: string): string | undefined =>
  id.startsWith('_host.') ? id.slice(id.indexOf('@') + 1) : undefined;

export const isServiceCertificate = (id: string): boolean => id.startsWith('_service.');

/** As they lie in the folder of a service. */
export const SERVICE_FILES = { certificate: 'cert.pem', key: 'key.pem', trust: 'ca.pem' } as const;

const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,250}\.(?:pem|crt|key)$/;
const ID = /^_(?:service|host)\.[A-Za-z0-9_.@-]{1,400}$/;
/** As Docker has them (its `RestrictedNamePattern`). */
export const CONTAINER_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/;

/** What the system and Docker have for themselves; nothing below the second row either. */
const OWN_PLACES = ['/', '/etc', '/usr', '/var', '/var/lib', '/home', '/opt', '/srv', '/mnt', '/tmp', '/run'];
const SYSTEM = ['/bin', '/boot', '/dev', '/lib', '/lib64', '/proc', '/sbin', '/sys', '/usr/bin', '/usr/lib'];
const SEAWALL = ['/etc/seawall', '/var/lib/seawall', '/var/lib/docker', '/run/docker'];

/** Why no certificate can be kept in that folder of a host; undefined: one can. */
export function folderFault(folder: string): string | undefined {
  const isPlain = posix.normalize(folder) === folder && !/.\/$/.test(folder);
  if (!folder.startsWith('/') || !isPlain || folder.length > 1000)
    return 'is no absolute path without "." and ".."';
  // Docker separates the parts of a bind by colons.
  if (/[^\x21-\x7e]/.test(folder) || /[:,"\\]/.test(folder))
    return 'holds a character that no such path can have';
  if (OWN_PLACES.includes(folder)) return "is not a certificate's alone";
  const above = [...SYSTEM, ...SEAWALL].find((place) => folder === place || folder.startsWith(`${place}/`));
  return above === undefined ? undefined : `lies in ${above}, which is not yours`;
}

/**
 * What stands in a host's file.
 * @param ownFolder folder of the services' certificates on the host.
 * @returns undefined for anything that this version would not have written.
 */
export function parseKept(id: string, text: string, ownFolder: string): KeptCertificate | undefined {
  let found: Partial<KeptCertificate> | null;
  try {
    found = JSON.parse(text) as Partial<KeptCertificate> | null;
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null || found.version !== 1 || found.id !== id || !ID.test(id))
    return undefined;
  const { folder, files, uid, gid, replaces = false, reload } = found;
  const names = [files?.certificate, files?.key, files?.trust];
  const isFine =
    typeof folder === 'string' &&
    (isServiceCertificate(id) ? folder === `${ownFolder}/${id}` : folderFault(folder) === undefined) &&
    names.every((name) => typeof name === 'string' && FILE_NAME.test(name)) &&
    new Set(names).size === names.length &&
    isOwner(uid) &&
    isOwner(gid) &&
    isReload(reload);
  return isFine ? ({ ...found, replaces } as KeptCertificate) : undefined;
}

/** Ids of users and groups have 32 bits, and the last one means none (chown(2)). */
export const isOwner = (id: unknown): id is number =>
  typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 0xffff_ffff;

function isReload(reload: KeptReload | undefined): boolean {
  if (reload === undefined) return true;
  if (typeof reload !== 'object' || reload === null) return false;
  const { signal, container } = reload;
  if (container === undefined) return RELOAD_SIGNALS.some((each) => each === signal);
  const isKnown = signal === 'restart' || RELOAD_SIGNALS.includes(signal);
  return isKnown && typeof container === 'string' && CONTAINER_NAME.test(container);
}
