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
  return { mounts, contents };
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
  const attributes = {
    kind: 'file' as const,
    mode: mount.mode === undefined ? DEFAULT_MODE : Number.parseInt(mount.mode, 8),
    uid: Number(mount.uid ?? 0),
    gid: Number(mount.gid ?? 0),
    secret: section === 'secrets',
  };
  const identity = `${section}:${attributes.mode}:${attributes.uid}:${attributes.gid}`;
  if (!Number.isInteger(attributes.uid) || !Number.isInteger(attributes.gid)) {
    refuse(
      input,
      remarks,
      path,
      'the owner of a file must be a number',
      'Write "uid:" and "gid:" as numbers.',
    );
    return undefined;
  }
  if (file.file !== undefined) {
    const fact = input.contents.get(file.file);
    if (fact === undefined || isRefusal(fact) || fact.kind !== 'file') {
      const refusal =
        fact === undefined || !isRefusal(fact)
          ? { text: `${file.file} is not a file`, remedy: 'Name a file.' }
          : fact;
      refuse(input, remarks, [section, mount.source, 'file'], refusal.text, refusal.remedy);
      return undefined;
    }
    return {
      ...attributes,
      hash: input.hash(`${fact.hash}:${identity}`),
      source: file.file,
      bytes: fact.bytes,
    };
  }
  const text = file.content ?? input.lookup(file.environment ?? '');
  if (text === undefined) {
    const variable = file.environment ?? '';
    refuse(
      input,
      remarks,
      [section, mount.source, 'environment'],
      `the variable ${variable} is not set`,
      'Set it in .env or in the environment.',
    );
    return undefined;
  }
  return {
    ...attributes,
    hash: input.hash(`text:${identity}:${text}`),
    text,
    bytes: new TextEncoder().encode(text).length,
  };
}
