import { SeawallError } from '../../errors.ts';
import { type HostLink, readContainerFile } from '../../hosts/index.ts';

/** Numbers of a user and its group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

interface Wanted {
  /** `user:` of the service; absent: as the image says. */
  readonly user: string | undefined;
  /** Reference or id of the image, as the host has it. */
  readonly image: string;
  readonly service: string;
}

/**
 * Who a service's programs run as: by numbers, or by what the image's `/etc/passwd` and `/etc/group` say of the names.
 * @throws SeawallError `refused` for a name that the image does not know.
 */
export async function containerOwner(
  { docker, name: host }: Pick<HostLink, 'docker' | 'name'>,
  { user, image, service }: Wanted,
  signal: AbortSignal,
): Promise<Owner> {
  const own = user ?? (await docker.inspectImage(image, { signal })).Config?.User ?? '';
  const known = parseOwner(own, '', '');
  if (known !== undefined) return known;
  // Never started: only a container's files can be read, not an image's.
  const body = { Image: image, Cmd: ['-'], HostConfig: { NetworkMode: 'none' } };
  const id = await docker.createContainer(`seawall-look-${process.pid}-${service}`, body, { signal });
  try {
    const [users, groups] = await Promise.all(
      ['/etc/passwd', '/etc/group'].map((path) => readContainerFile(docker, id, path, { signal })),
    );
    const found = parseOwner(own, users ?? '', groups ?? '');
    if (found !== undefined) return found;
  } finally {
    await docker.removeContainer(id, { force: true, volumes: true });
  }
  throw new SeawallError(
    'refused',
    `the image of ${service} does not know the user "${own}" that it runs as`,
    {
      hint: `Say who may read the key: x-seawall: { certificate: { uid: 1000, gid: 1000 } }`,
      where: host,
    },
  );
}

/**
 * Reads `USER[:GROUP]`, both as a name or a number, as Docker does; empty: root.
 * @param users text of /etc/passwd. @param groups text of /etc/group.
 * @returns undefined for a name that is in neither.
 */
export function parseOwner(text: string, users: string, groups: string): Owner | undefined {
  const [user = '', group] = text.split(':');
  const rows = (file: string): string[][] => file.split('\n').map((line) => line.split(':'));
  const row = rows(users).find(([name, , uid]) => name === user || (/^\d+$/.test(user) && uid === user));
  const uid = user === '' ? 0 : (numberOf(user) ?? numberOf(row?.[2]));
  const listed = rows(groups).find(([name]) => name === group);
  // A number without an entry has group 0.
  const gid =
    group === undefined || group === ''
      ? (numberOf(row?.[3]) ?? (numberOf(user || '0') === undefined ? undefined : 0))
      : (numberOf(group) ?? numberOf(listed?.[2]));
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
