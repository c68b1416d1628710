import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { SeawallError } from '../src/errors.ts';
import { runCommand, tryCommand } from './command.ts';
import { bootstrapDebian, certificateFolder, overlayFolder } from './debian.ts';
import { type Say, timed } from './progress.ts';
import { canPull, pullImage } from './pull.ts';
import { cacheFile, labRecipes, type Recipe, type RecipeFile, recipeHash } from './recipes.ts';
import { Slots } from './slots.ts';

const recipeLabel = 'seawall.lab.recipe';
const imagesFolder = join(import.meta.dirname, 'images');

export interface ImageOptions {
  /** The images to have; all of the lab's by default. */
  readonly images?: readonly string[];
  /** Where built images are kept for an engine that lost them; `~/.cache/seawall-lab` by default. */
  readonly cacheFolder?: string;
  readonly say?: Say;
}

/**
 * Makes the lab's images present on the engine under the names that users write: those already there
 * are kept, then the cache is asked, then the registry, and what neither has is built.
 */
export async function ensureImages(options: ImageOptions = {}): Promise<void> {
  const cacheFolder = options.cacheFolder ?? join(homedir(), '.cache/seawall-lab');
  await mkdir(cacheFolder, { recursive: true });
  const hashes = await hashRecipes();
  const maker = new ImageMaker(hashes, cacheFolder, options.say ?? console.log);
  await Promise.all((options.images ?? [...hashes.keys()]).map((image) => maker.ensure(image)));
}

/** The hash of every recipe, by image. */
async function hashRecipes(): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const recipe of labRecipes(process.arch)) {
    const files = recipe.folder
      ? await readFolder(join(imagesFolder, recipe.folder))
      : [...(await readFolder(overlayFolder)), ...(await readFolder(certificateFolder))];
    hashes.set(recipe.image, recipeHash(recipe, files, hashes.get(recipe.base ?? '') ?? ''));
  }
  return hashes;
}

async function readFolder(folder: string): Promise<RecipeFile[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.map(async (file) => ({
      name: relative(folder, file),
      mode: (await stat(file)).mode,
      bytes: await readFile(file),
    })),
  );
}

/** One run of making images: each at most once, bases first, a few at a time. */
class ImageMaker {
  readonly #recipes = new Map(labRecipes(process.arch).map((recipe) => [recipe.image, recipe]));
  readonly #inWork = new Map<string, Promise<void>>();
  readonly #slots = new Slots(3);
  readonly #hashes: ReadonlyMap<string, string>;
  readonly #cacheFolder: string;
  readonly #say: Say;
  #online: Promise<boolean> | undefined;

  constructor(hashes: ReadonlyMap<string, string>, cacheFolder: string, say: Say) {
    this.#hashes = hashes;
    this.#cacheFolder = cacheFolder;
    this.#say = say;
  }

  ensure(image: string): Promise<void> {
    const known = this.#inWork.get(image);
    if (known) return known;
    const work = this.#make(image);
    this.#inWork.set(image, work);
    return work;
  }

  async #make(image: string): Promise<void> {
    const recipe = this.#recipes.get(image);
    if (!recipe) {
      throw new SeawallError('input', `The lab has no recipe for ${image}`, {
        hint: `It knows ${[...this.#recipes.keys()].join(', ')}`,
      });
    }
    const present = await inspectImage(image);
    const hash = this.#hashes.get(image) ?? '';
    if (present && (present.recipe === hash || (present.recipe === '' && recipe.isPublic))) return;
    if (await this.#load(recipe, hash)) return;
    this.#online ??= canPull('debian:trixie-slim');
    if (recipe.isPublic && (await this.#online) && (await this.#slots.use(() => pullImage(image)))) return;
    await this.#build(recipe, hash);
    // The name moved on to the new image; the old one stays only if something still runs on it.
    if (present) await tryCommand('docker', ['image', 'rm', present.id]);
  }

  async #load({ image }: Recipe, hash: string): Promise<boolean> {
    const file = join(this.#cacheFolder, cacheFile(image, hash));
    if (!existsSync(file)) return false;
    const loaded = await this.#slots.use(() => tryCommand('docker', ['load', '--quiet', '--input', file]));
    if (loaded.code === 0) this.#say(`Loaded ${image} from the cache`);
    else await rm(file, { force: true });
    return loaded.code === 0;
  }

  async #build(recipe: Recipe, hash: string): Promise<void> {
    if (recipe.base) await this.ensure(recipe.base);
    await this.#slots.use(() =>
      timed(this.#say, `Built ${recipe.image}`, async () => {
        const label = `${recipeLabel}=${hash}`;
        if (recipe.suite) {
          await bootstrapDebian(recipe.suite, recipe.image, label, this.#cacheFolder, this.#say);
        } else {
          await buildImage(recipe, label, this.#cacheFolder);
        }
      }),
    );
    await this.#slots.use(() => saveImage(recipe.image, hash, this.#cacheFolder));
  }
}

async function inspectImage(image: string): Promise<{ id: string; recipe: string } | undefined> {
  const format = `{{.Id}} {{with .Config.Labels}}{{index . "${recipeLabel}"}}{{end}}`;
  const { code, stdout } = await tryCommand('docker', ['image', 'inspect', '--format', format, image]);
  if (code !== 0) return undefined;
  const [id = '', recipe = ''] = stdout.trim().split(' ');
  return { id, recipe };
}

async function buildImage(recipe: Recipe, label: string, cacheFolder: string): Promise<void> {
  const context = await mkdtemp(join(cacheFolder, 'context-'));
  try {
    await cp(join(imagesFolder, recipe.folder ?? ''), context, { recursive: true });
    for (const [folder, specification] of Object.entries(recipe.npm ?? {})) {
      await unpackNpm(specification, join(context, 'npm', folder));
    }
    // Only with the machine's own network does a build reach the package registries everywhere.
    const args = ['build', '--network', 'host', '--label', label, '--tag', recipe.image];
    const base = recipe.base ? ['--build-arg', `BASE=${recipe.base}`] : [];
    await runCommand('docker', [...args, ...base, context], { env: { DOCKER_BUILDKIT: '0' } });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function unpackNpm(specification: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const packed = await runCommand('npm', ['pack', '--silent', specification], { cwd: folder });
  const archive = join(folder, packed.split('\n').at(-1) ?? '');
  await runCommand('tar', ['-xzf', archive, '-C', folder, '--strip-components', '1', '--no-same-owner']);
  await rm(archive);
}

/** Keeps the image for an engine that loses it, in place of those of older recipes. */
async function saveImage(image: string, hash: string, cacheFolder: string): Promise<void> {
  const file = cacheFile(image, hash);
  const stem = file.slice(0, -`${hash}.tar`.length);
  const partial = join(cacheFolder, `${file}.${process.pid}`);
  await runCommand('docker', ['save', '--output', partial, image]);
  const older = (await readdir(cacheFolder)).filter((name) => name.startsWith(stem) && name.endsWith('.tar'));
  await rename(partial, join(cacheFolder, file));
  await Promise.all(older.filter((name) => name !== file).map((name) => rm(join(cacheFolder, name))));
}
