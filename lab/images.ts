import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { SeawallError } from '../src/errors.ts';
import { Slots } from '../src/slots.ts';
import { buildImage, imagesFolder } from './build.ts';
import { ImageCache } from './cache.ts';
import { tryCommand } from './command.ts';
import { bootstrapDebian, certificateFolder, overlayFolder, requireBootstrap } from './debian.ts';
import { type Say, timed } from './progress.ts';
import { canPull, pullImage } from './pull.ts';
import { labRecipes, type Recipe, type RecipeFile, recipeHash } from './recipes.ts';

const recipeLabel = 'seawall.lab.recipe';

export interface ImageOptions {
  /** The images to have; all of the lab's by default, without the extra ones. */
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
  const cache = new ImageCache(cacheFolder);
  await cache.open();
  const hashes = await hashRecipes();
  const maker = new ImageMaker(hashes, cache, options.say ?? console.log);
  const usual = labRecipes(process.arch).filter((recipe) => recipe.isExtra === undefined);
  const wanted = options.images ?? usual.map(({ image }) => image);
  await Promise.all(wanted.map((image) => maker.ensure(image)));
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
  readonly #cache: ImageCache;
  readonly #say: Say;
  #online: Promise<boolean> | undefined;
  #canBootstrap: Promise<void> | undefined;

  constructor(hashes: ReadonlyMap<string, string>, cache: ImageCache, say: Say) {
    this.#hashes = hashes;
    this.#cache = cache;
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
    await this.#provide(recipe, hash);
    // The name moved on to the new image; the old one stays only while something still runs on it.
    if (present) await tryCommand('docker', ['image', 'rm', present.id]);
  }

  async #provide(recipe: Recipe, hash: string): Promise<void> {
    if (await this.#load(recipe.image, hash)) return;
    if (recipe.isPublic && (await this.#pull(recipe.image))) return;
    await this.#build(recipe, hash);
  }

  async #pull(image: string): Promise<boolean> {
    this.#online ??= canPull('debian:trixie-slim');
    if (!(await this.#online)) return false;
    const isPulled = await this.#slots.run(() => pullImage(image));
    if (isPulled) this.#say(`Pulled ${image}`);
    return isPulled;
  }

  async #load(image: string, hash: string): Promise<boolean> {
    const isLoaded = await this.#slots.run(() => this.#cache.load(image, hash));
    if (isLoaded) this.#say(`Loaded ${image} from the cache`);
    return isLoaded;
  }

  async #build(recipe: Recipe, hash: string): Promise<void> {
    if (recipe.base) await this.ensure(recipe.base);
    const label = `${recipeLabel}=${hash}`;
    if (recipe.suite) {
      this.#canBootstrap ??= requireBootstrap(this.#say);
      await this.#canBootstrap;
    }
    await this.#slots.run(() => {
      this.#say(`Building ${recipe.image} …`);
      return timed(this.#say, `Built ${recipe.image}`, () =>
        this.#cache.withScratch((scratch) =>
          recipe.suite
            ? bootstrapDebian(recipe.suite, recipe.image, label, scratch)
            : buildImage(recipe, label, scratch),
        ),
      );
    });
    await this.#slots.run(() => this.#cache.save(recipe.image, hash));
  }
}

async function inspectImage(image: string): Promise<{ id: string; recipe: string } | undefined> {
  const format = `{{.Id}} {{with .Config.Labels}}{{index . "${recipeLabel}"}}{{end}}`;
  const { code, stdout } = await tryCommand('docker', ['image', 'inspect', '--format', format, image]);
  if (code !== 0) return undefined;
  const [id = '', recipe = ''] = stdout.trim().split(' ');
  return { id, recipe };
}
