import { parseBytes } from '../../units.ts';
import type { DesiredContent, DesiredMount } from '../desired.ts';
import type { FileModel, FileMountModel, ServiceModel, VolumeMountModel } from '../model.ts';
import { isRefusal, type Remarks, type TranslateInput } from './input.ts';
import { notice, refuse } from './remark.ts';

/** What a service mounts, in the order of the file, and the contents that must be on the hosts for it. */
export interface Mounts {
  readonly mounts: readonly DesiredMount[];
  readonly contents: readonly DesiredContent[];
}

export function serviceMounts(
  name: string,
  service: ServiceModel,
  input: TranslateInput,
  remarks: Remarks,
  borrowers: readonly string[] = [],
): Mounts {
  const contents: DesiredContent[] = [];
  const mounts: DesiredMount[] = [];
  (service.volumes ?? []).forEach((volume, index) => {
    if (volume.type === 'bind') {
      const content = bindContent(volume, ['services', name, 'volumes', index], input, remarks);
      if (content === undefined) return;
      contents.push(content);
      mounts.push({ kind: 'content', hash: content.hash, target: volume.target });
    } else if (volume.type === 'volume') mounts.push(volumeMount(volume));
    else if (volume.type === 'tmpfs') mounts.push(tmpfsMount(volume));
  });
  for (const section of ['configs', 'secrets'] as const) {
    (service[section] ?? []).forEach((mount, index) => {
      const file = input.model[section]?.[mount.source];
      const content =
        file && fileContent(file, mount, section, ['services', name, section, index], input, remarks);
      if (content === undefined) return;
      contents.push(content);
      mounts.push({ kind: 'content', hash: content.hash, target: mountTarget(mount, section) });
    });
  }
  for (const mount of borrowedMounts(service, [...borrowers, name], input, remarks)) {
    if (!mounts.some(({ target }) => target === mount.target)) mounts.push(mount);
  }
  return { mounts, contents };
}

/**
 * What `volumes_from` names: the mounts of other services, whose contents are sent for them already. A circle of them is
 * followed once: it is one of dependencies too, and refused as such.
 */
function borrowedMounts(
  service: ServiceModel,
  borrowers: readonly string[],
  input: TranslateInput,
  remarks: Remarks,
): readonly DesiredMount[] {
  const name = borrowers.at(-1) ?? '';
  return (service.volumes_from ?? []).flatMap((written, index) => {
    const path = ['services', name, 'volumes_from', index];
    const [source = '', mode] = written.split(':');
    const other = input.model.services[source];
    if (written.startsWith('container:') || other === undefined) {
      const remedy = 'Name a service, or the same volume in both.';
      refuse(input, remarks, path, `${written} is no service of this project`, remedy);
      return [];
    }
    if (borrowers.includes(source)) return [];
    const said: Remarks = { problems: [], notices: [] };
    return serviceMounts(source, other, input, said, borrowers).mounts.flatMap(
      (mount): readonly DesiredMount[] => {
        if (mount.kind === 'tmpfs') return [];
        if (mount.kind === 'volume') return [{ ...mount, readOnly: mount.readOnly || mode === 'ro' }];
        if (mount.kind === 'content') return [mount];
        const remedy = `Give the volume at ${mount.target} a name.`;
        refuse(
          input,
          remarks,
          path,
          `${source} has a volume without a name, which nobody else can mount`,
          remedy,
        );
        return [];
      },
    );
  });
}

type Path = readonly (string | number)[];

function mountTarget(mount: FileMountModel, section: 'configs' | 'secrets'): string {
  const folder = section === 'secrets' ? '/run/secrets/' : '/';
  const target = mount.target ?? mount.source;
  return target.startsWith('/') ? target : `${folder}${target}`;
}

function volumeMount(volume: VolumeMountModel): DesiredMount {
  if (volume.source === undefined) return { kind: 'anonymous', target: volume.target };
  return {
    kind: 'volume',
    volume: volume.source,
    target: volume.target,
    readOnly: volume.read_only ?? false,
    ...(volume.volume?.subpath === undefined ? {} : { subpath: volume.volume.subpath }),
    ...(volume.volume?.nocopy === true ? { noCopy: true } : {}),
  };
}

function tmpfsMount(volume: VolumeMountModel): DesiredMount {
  const size = volume.tmpfs?.size === undefined ? undefined : parseBytes(volume.tmpfs.size);
  const mode = volume.tmpfs?.mode;
  return {
    kind: 'tmpfs',
    target: volume.target,
    ...(size === undefined ? {} : { sizeBytes: size }),
    ...(mode === undefined ? {} : { mode: typeof mode === 'number' ? mode : Number.parseInt(mode, 8) }),
  };
}

function bindContent(
  volume: VolumeMountModel,
  path: Path,
  input: TranslateInput,
  remarks: Remarks,
): DesiredContent | undefined {
  const source = volume.source ?? '';
  const fact = input.contents.get(source);
  if (fact === undefined || isRefusal(fact)) {
    refuse(input, remarks, path, fact?.text ?? `${source} was not read`, fact?.remedy);
    return undefined;
  }
  if (volume.read_only !== true) {
    notice(
      input,
      remarks,
      path,
      `${fact.kind === 'file' ? 'the file' : 'the folder'} is sent to the hosts as it is now and mounted read-only`,
    );
  }
  return { ...fact, source, secret: false };
}

const DEFAULT_MODE = 0o444;

function fileContent(
  file: FileModel,
  mount: FileMountModel,
  section: 'configs' | 'secrets',
  path: Path,
  input: TranslateInput,
  remarks: Remarks,
): DesiredContent | undefined {
  const [uid, gid] = [Number(mount.uid ?? 0), Number(mount.gid ?? 0)];
  const mode = mount.mode === undefined ? DEFAULT_MODE : Number.parseInt(mount.mode, 8);
  if (!Number.isInteger(uid) || !Number.isInteger(gid)) {
    const remedy = 'Write "uid:" and "gid:" as numbers.';
    refuse(input, remarks, path, 'the owner of a file must be a number', remedy);
    return undefined;
  }
  const origin = fileOrigin(file, [section, mount.source], input, remarks);
  if (origin === undefined) return undefined;
  const { identity, ...content } = origin;
  const hash = input.hash(`${section}:${mode}:${uid}:${gid}:${identity}`);
  return { kind: 'file', hash, ...content, mode, uid, gid, secret: section === 'secrets' };
}

/** Where the bytes of a config or secret come from, and what tells them from others. */
type FileOrigin = Pick<DesiredContent, 'source' | 'text' | 'bytes'> & { readonly identity: string };

function fileOrigin(
  file: FileModel,
  path: Path,
  input: TranslateInput,
  remarks: Remarks,
): FileOrigin | undefined {
  if (file.file !== undefined) {
    const fact = input.contents.get(file.file);
    if (fact !== undefined && !isRefusal(fact) && fact.kind === 'file') {
      return { source: file.file, bytes: fact.bytes, identity: fact.hash };
    }
    const refusal =
      fact !== undefined && isRefusal(fact)
        ? fact
        : { text: `${file.file} is not a file`, remedy: 'Name a file.' };
    refuse(input, remarks, [...path, 'file'], refusal.text, refusal.remedy);
    return undefined;
  }
  const variable = file.environment ?? '';
  const text = file.content ?? input.lookup(variable);
  if (text !== undefined)
    return { text, bytes: new TextEncoder().encode(text).length, identity: `text:${text}` };
  const remedy = 'Set it in .env or in the environment.';
  refuse(input, remarks, [...path, 'environment'], `the variable ${variable} is not set`, remedy);
  return undefined;
}
