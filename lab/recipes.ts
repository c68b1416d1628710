import { createHash } from 'node:crypto';

/** How one image of the lab is made where it cannot be pulled. */
export interface Recipe {
  /** The tag under which users and the other recipes know it. */
  readonly image: string;
  /** The Debian suite to bootstrap: set for the bases, which stand on no other image. */
  readonly suite?: string;
  /** The image it is built on; absent for the bases. */
  readonly base?: string;
  /** The folder under `lab/images` with its Dockerfile. */
  readonly folder?: string;
  /** Packages of the npm registry to unpack into the build context: folder below `npm/` to specification. */
  readonly npm?: Readonly<Record<string, string>>;
  /** Whether the registries offer an image of this name; the lab's own hosts exist nowhere else. */
  readonly isPublic: boolean;
  /** Made only when it is asked for by name: an app of some test needs it, the lab itself does not. */
  readonly isExtra?: true;
}

/** The image of a lab host that runs the Engine of the current Debian. */
export const hostImage = 'seawall-lab/host:28.5';
/** The image of a lab host that runs the oldest Engine Seawall supports. */
export const oldHostImage = 'seawall-lab/host:20.10';
/** What tests of HTTPS run beside a cluster. */
export const testsslImage = 'testssl:3.2';
export const certbotImage = 'certbot/certbot:v5.5.0';
export const haproxyImage = 'haproxy:3.2';
export const faketimeImage = 'seawall-lab/faketime:1';
export const foreignImage = 'seawall-lab/foreign:1';
/** Pebble, an ACME server for tests, with its challenge and DNS test server. */
export const pebbleImage = 'pebble:2.10';
/** A name server that takes signed dynamic updates. */
export const bindImage = 'bind:9';

/** The program that a Linux machine of this processor downloads as Node, as npm names processors. */
function nodePackage(arch: string): string {
  return `node-linux-${arch}@24`;
}

/** Every image of the lab in an order in which each comes after its base; `arch` as in `process.arch`. */
export function labRecipes(arch: string): readonly Recipe[] {
  return [
    { image: 'debian:trixie-slim', suite: 'trixie', isPublic: true },
    { image: 'debian:forky-slim', suite: 'forky', isPublic: true },
    {
      image: 'node:24-slim',
      base: 'debian:trixie-slim',
      folder: 'node',
      npm: { node: nodePackage(arch), npm: 'npm@11' },
      isPublic: true,
    },
    { image: 'nginx:1.30', base: 'debian:forky-slim', folder: 'nginx', isPublic: true },
    { image: hostImage, base: 'debian:forky-slim', folder: 'host', isPublic: false },
    { image: 'debian:bookworm-slim', suite: 'bookworm', isPublic: true },
    { image: oldHostImage, base: 'debian:bookworm-slim', folder: 'host', isPublic: false },
    { image: foreignImage, base: 'debian:forky-slim', folder: 'foreign', isPublic: false },
    { image: 'python:3.13-slim', base: 'debian:trixie-slim', folder: 'python', isPublic: true },
    { image: 'postgres:17', base: 'debian:trixie-slim', folder: 'postgres', isPublic: true },
    { image: 'redis:8', base: 'debian:trixie-slim', folder: 'redis', isPublic: true },
    ...extraRecipes,
  ];
}

/** What some tests need besides: an ACME server, and what their apps name. The stand-ins for Alpine's are Debian inside: same programs, paths and interface. */
const extraRecipes: readonly Recipe[] = [
  { image: pebbleImage, base: 'debian:forky-slim', folder: 'pebble', isPublic: false, isExtra: true },
  { image: bindImage, base: 'debian:bookworm-slim', folder: 'bind', isPublic: false, isExtra: true },
  { image: 'nginx:alpine', base: 'nginx:1.30', folder: 'retag', isPublic: true, isExtra: true },
  { image: 'redis:7-alpine', base: 'redis:8', folder: 'retag', isPublic: true, isExtra: true },
  {
    image: 'python:3.14-slim',
    base: 'debian:forky-slim',
    folder: 'python-forky',
    isPublic: true,
    isExtra: true,
  },
  { image: testsslImage, base: 'debian:forky-slim', folder: 'testssl', isPublic: false, isExtra: true },
  {
    image: certbotImage,
    base: 'debian:forky-slim',
    folder: 'certbot',
    isPublic: true,
    isExtra: true,
  },
  { image: haproxyImage, base: 'debian:forky-slim', folder: 'haproxy', isPublic: true, isExtra: true },
  { image: faketimeImage, base: 'debian:trixie-slim', folder: 'faketime', isPublic: false, isExtra: true },
];

/** A file that a recipe is made of: its name and its bytes. */
export interface RecipeFile {
  readonly name: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** What tells one version of a recipe from another: its text, its files and the hash of its base. */
export function recipeHash(recipe: Recipe, files: readonly RecipeFile[], baseHash: string): string {
  const hash = createHash('sha256').update(JSON.stringify([recipe, baseHash]));
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, mode, bytes } of sorted) {
    hash.update(`\n${name} ${mode & 0o111 ? 'x' : '-'} ${bytes.byteLength}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The name of the file in the cache that holds an image of this recipe. */
export function cacheFile(image: string, hash: string): string {
  return `${image.replaceAll(/[/:]/g, '_')}-${hash}.tar`;
}
