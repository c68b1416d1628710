/** The rules on imports that `boundaries.test.ts` holds the code to. Pure: texts in, offences as `file:line …` out. */
import { posix } from 'node:path';

/** Folders of src/ by rank; imports go to the same folder or to a lower rank. */
const RANKS: readonly (readonly string[])[] = [
  ['ground'],
  ['compose'],
  ['config'],
  ['plan'],
  ['hosts'],
  ['images', 'catalog', 'secrets'],
  ['rollout', 'registrar', 'network', 'edge', 'certs', 'tasks', 'metrics'],
  ['cli'],
  ['entry'],
];

/** The programs and what only they are made of; every other file directly in src/ is ground. */
const ENTRIES = new Set([
  'main.ts',
  'agent.ts',
  'agent-catalog.ts',
  'agent-health.ts',
  'agent-loops.ts',
  'agent-place.ts',
]);

/** Files of a folder that others may import: its index and the two pages of plain nouns. */
const OPEN = /^src\/(?:[^/]+\/index|catalog\/(?:record|tls-record)|compose\/desired)\.ts$/;

/** Folders and files that only compute. */
const PURE: readonly RegExp[] = [
  /^src\/(?:compose|plan)\//,
  /^src\/(?!main|agent-catalog|agent-loops|agent-health|agent-place|agent\.|hash|certificate-pair|folder-names|package-root|packed|replace-file|report-once|retry|wake)[^/]*$/,
  /\/(?:record|desired|keys|merge|interpolate|render|rules|ranges|names|entries|health|workers|diff|traffic)\.ts$/,
  /-(?:text|view|frame|tree|model|plan|sum|words|message)\.ts$/,
  /^src\/config\/(?:nodes|routes|schema|settle|validate|edge-rules|metrics-rules|listen-address|tls-[a-z-]+|hsts|issuers|dns-hook|public-names|certificate-settings|domain-tls)\.ts$/,
  /^src\/catalog\/(?:instance|rows|embedded\/(?:kv|services|tables|expiry|duration))\.ts$/,
  /^src\/certs\/(?:budget|failure|policy|record|renewal|solver|state|steps|task|wishes)\.ts$/,
  /^src\/edge\/(?:admission|candidates|capabilities|in-force|inputs|lingering|render-[a-z]+|tally|upstream-name)\.ts$/,
  /^src\/metrics\/(?:[a-z]+-samples|definitions|describe|reference|samples|signs|view)\.ts$/,
  /^src\/(?:registrar\/(?:candidate|foreign|slots)|network\/local-containers)\.ts$/,
  /^src\/(?:rollout\/(?:likely-cause|route-urls|setup\/(?:decide[a-z-]*|edge-rules)|certificates\/status)|tasks\/one-off)\.ts$/,
  /^src\/(?:hosts\/(?:docker-types|docker-error)|images\/(?:build-command|tar-index|wish))\.ts$/,
];
/** The name of a computation that stands for an effect here. */
const EFFECTS = new Set(['src/edge/traffic.ts', 'src/rollout/traffic.ts', 'src/catalog/service-view.ts']);
const PURE_MAY = new Set(['node:path', 'node:util']);
const AMBIENT =
  /\b(?:Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|process\.(?:env|argv|cwd|platform|stdout|stderr)\b|fetch\(|setTimeout\(|setInterval\()/;

/** A file by its path from the repository's root. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

interface Import {
  readonly line: number;
  readonly from: string;
  /** Erased before the program runs. */
  readonly isType: boolean;
}

const IMPORT =
  /(?:^[ \t]*(?<keyword>import|export)\b(?<type>[ \t]+type\b)?[^;'"]*?\bfrom\s+|^[ \t]*import\s+|\bimport\()(?<from>'[^'\n]+'|"[^"\n]+")/gm;

/** Every import and re-export of a text, at the line of the path. */
export function importsOf(text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => ({
    line: text.slice(0, match.index + match[0].length).split('\n').length,
    from: match.groups?.from?.slice(1, -1) ?? '',
    isType: match.groups?.type !== undefined,
  }));
}

/** The ranked folder that a path belongs to; undefined outside of src/. */
function folderOf(file: string): string | undefined {
  const [top, first, ...rest] = file.split('/');
  if (top !== 'src' || first === undefined) return undefined;
  if (rest.length > 0) return first;
  return ENTRIES.has(first) ? 'entry' : 'ground';
}

const rankOf = (folder: string | undefined): number =>
  RANKS.findIndex((rank) => folder !== undefined && rank.includes(folder));
const targetOf = (file: string, from: string): string => posix.join(posix.dirname(file), from);
const isRelative = ({ from }: Import): boolean => from.startsWith('.');
const isNodeEffect = ({ from }: Import): boolean => from.startsWith('node:') && !PURE_MAY.has(from);

function offences(sources: readonly Source[], isOffence: (file: string, found: Import) => boolean): string[] {
  return sources.flatMap(({ file, text }) =>
    importsOf(text)
      .filter((found) => isOffence(file, found))
      .map(({ line, from }) => `${file}:${line} imports ${from}`),
  );
}

/** Folders of src/ that have no rank. */
export function unrankedFolders(sources: readonly Source[]): string[] {
  const folders = new Set(sources.map(({ file }) => folderOf(file) ?? file));
  return [...folders].filter((folder) => rankOf(folder) === -1);
}

/** Imports of the same or a higher rank, and of what is no part of the program; package.json is for the faces. */
export function upwardImports(sources: readonly Source[]): string[] {
  return offences(sources, (file, found) => {
    if (!isRelative(found)) return false;
    const own = folderOf(file);
    const target = targetOf(file, found.from);
    if (target === 'package.json') return own !== 'entry' && own !== 'cli';
    const folder = folderOf(target);
    if (folder === undefined) return true;
    return folder !== own && rankOf(folder) >= rankOf(own);
  });
}

/** Imports that reach into another folder past its index. */
export function sideDoorImports(sources: readonly Source[]): string[] {
  return offences(sources, (file, found) => {
    const target = targetOf(file, found.from);
    const folder = folderOf(target);
    if (!isRelative(found) || folder === undefined) return false;
    return folder !== folderOf(file) && folder !== 'ground' && !OPEN.test(target);
  });
}

const isPure = (file: string): boolean => PURE.some((rule) => rule.test(file)) && !EFFECTS.has(file);

/** Imports by which a file that only computes reaches a node: module, itself or through others. */
export function impureImports(sources: readonly Source[]): string[] {
  const imports = new Map(
    sources.map(({ file, text }) => [file, importsOf(text).filter((one) => !one.isType)]),
  );
  const reaches = (file: string, seen: Set<string>): boolean => {
    if (seen.has(file)) return false;
    seen.add(file);
    const found = imports.get(file) ?? [];
    return (
      found.some(isNodeEffect) ||
      found.filter(isRelative).some(({ from }) => reaches(targetOf(file, from), seen))
    );
  };
  return offences(
    sources.filter(({ file }) => isPure(file)),
    (file, found) =>
      !found.isType &&
      (isNodeEffect(found) || (isRelative(found) && reaches(targetOf(file, found.from), new Set([file])))),
  );
}

/** Lines by which a file that only computes reads a clock, chance or its surroundings. */
export function ambientReads(sources: readonly Source[]): string[] {
  return sources
    .filter(({ file }) => isPure(file))
    .flatMap(({ file, text }) =>
      text.split('\n').flatMap((line, index) => {
        const found = /^\s*(?:\*|\/[/*])/.test(line) ? undefined : AMBIENT.exec(line)?.[0];
        return found === undefined ? [] : [`${file}:${index + 1} uses ${found}`];
      }),
    );
}
