import type { DesiredBuild, DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { Docker, HostLink, ImageInfo } from '../hosts/index.ts';
import type { Report } from '../progress.ts';
import type { DockerConfig } from './registry-auth.ts';

/** An image that hosts must hold before anything of a deploy starts. */
export interface ImageWish {
  readonly service: string;
  readonly reference: string;
  readonly build?: DesiredBuild;
  readonly pull: DesiredService['pull'];
  /** Such as `linux/amd64`; absent: the hosts' own. */
  readonly platform?: string;
  /** Names of the hosts that will run it. */
  readonly hosts: readonly string[];
}

/** How hosts of one cluster give layers to each other. */
export interface Exchange {
  /** Host → its address in the private network; one that is missing here is sent everything from this machine. */
  readonly addresses: Readonly<Record<string, string>>;
  /** A certificate for `tlsName` with its key and a token: new ones each time. */
  readonly makeCredentials: () => Promise<{
    readonly certificate: string;
    readonly privateKey: string;
    readonly token: string;
  }>;
  readonly tlsName: string;
}

/** What bringing images came to; counted while it goes on. */
export interface ImageTraffic {
  /** Bytes that left this machine for hosts, as they were on the wire. */
  uploadedBytes: number;
  /** Bytes of layers that hosts gave to each other. */
  betweenHostsBytes: number;
  /** Layers that came to a host, and those that were there, each once per host. */
  sentLayers: number;
  skippedLayers: number;
}

/** What getting images to hosts works with. */
export interface ImageContext {
  readonly project: string;
  /** The operator's own engine; absent when this machine has none. */
  readonly operator?: Docker;
  readonly links: ReadonlyMap<string, HostLink>;
  /** For pulls by the hosts. */
  readonly dockerConfig: DockerConfig;
  /** Absent before the hosts are a cluster. */
  readonly exchange?: Exchange;
  readonly traffic?: ImageTraffic;
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

/** `NAME@sha256:…`: the same image for ever and everywhere, and a name that only a pull gives. */
export const isByDigest = (reference: string): boolean => reference.includes('@');

/** The connection to a host that is named. */
export function linkOf(context: ImageContext, name: string): HostLink {
  const link = context.links.get(name);
  if (link !== undefined) return link;
  throw new SeawallError('unreachable', 'not connected', { where: name });
}

/** An image as every host of its wish holds it. */
export interface ReadyImage {
  readonly reference: string;
  /** Configuration digest. */
  readonly id: string;
  /** Host → id in its own store; differs from `id` only with containerd's store. */
  readonly hostIds: Readonly<Record<string, string>>;
  /** HEALTHCHECK, ports and volumes that the image brings along. */
  readonly config: NonNullable<ImageInfo['Config']>;
}

/** `linux/arm64/v8` and `linux/aarch64` are `linux/arm64`; other variants (arm/v6, arm/v7) count. */
export function normalPlatform(platform: string): string {
  const [os = '', arch = '', variant] = platform.toLowerCase().split('/');
  const names: Readonly<Record<string, string>> = {
    x86_64: 'amd64',
    aarch64: 'arm64',
    armhf: 'arm',
    i386: '386',
  };
  const name = names[arch] ?? arch;
  const plain = `${os}/${name}`;
  return variant === undefined || variant === '' || (name === 'arm64' && variant === 'v8')
    ? plain
    : `${plain}/${variant}`;
}

/** Platform of an image on an engine. */
export function imagePlatform(info: Pick<ImageInfo, 'Os' | 'Architecture'>): string {
  return normalPlatform(`${info.Os}/${info.Architecture}`);
}

/** The image that runs on `platform` hosts is of another one: why that is an error and what to do. */
export function platformError(wish: ImageWish, image: string, host: string, platform: string): SeawallError {
  const hint =
    wish.build === undefined
      ? `Let the hosts pull it, or get it for them: docker pull --platform ${platform} ${wish.reference}`
      : `Build it on a host: services.${wish.service}.build with x-seawall: { build: { on: ${host} } }, or set build.platforms to ${platform}.`;
  return new SeawallError(
    'refused',
    `the image ${wish.reference} is for ${image}, host ${host} is ${platform}`,
    {
      where: `services.${wish.service}`,
      hint,
    },
  );
}
