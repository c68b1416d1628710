import {
  type Alias,
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  Parser,
  type YAMLMap,
} from 'yaml';
import { type KeyPath, type Place, type Problem, problemAt, type SourceText } from '../problems.ts';
import { type Entry, list, map, type Node, scalar } from './node.ts';
import { isDate, resolvePlainScalar, shownNumber } from './scalar.ts';

/** One document of a YAML file. */
export interface YamlDocument {
  /** `undefined` for an empty document. */
  readonly root: Node | undefined;
  /** Paths tagged `!reset` (absent from `root`) or `!override`: what earlier files say there is dropped. */
  readonly replaced: readonly KeyPath[];
}

type YamlDialect = 'plain' | 'compose';

export interface ParsedYaml {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}

/** An alias may stand for a tree that holds aliases; this bounds what they expand to. */
const MOST_NODES = 200_000;

/** Levels of lists and maps inside each other. Files have a dozen; reading takes a few frames of the stack for each. */
const MOST_LEVELS = 200;

/**
 * YAML text as documents of nodes with places: anchors and merge keys are resolved, tags of Compose noted.
 *
 * @param dialect `compose` refuses what Docker Compose refuses although it is YAML: keys that are no text, and dates.
 */
export function parseYaml(source: SourceText, dialect: YamlDialect = 'plain'): ParsedYaml {
  const problems: Problem[] = [...controlCharacters(source)];
  const tokens = [...new Parser().parse(source.text)];
  const deep = tokens.map(tooDeep).find((offset) => offset !== undefined);
  if (deep !== undefined) {
    const message = `lists and maps stand inside each other more than ${MOST_LEVELS} levels deep`;
    return {
      documents: [],
      problems: [...problems, problemAt({ source, start: deep, end: deep + 1 }, [], message)],
    };
  }
  const composer = new Composer<ParsedNode>({ schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' });
  const documents: YamlDocument[] = [];
  for (const document of composer.compose(tokens)) {
    for (const error of document.errors) {
      const [start, end] = error.pos;
      problems.push(
        problemAt({ source, start, end: Math.max(end, start + 1) }, [], `not valid YAML: ${error.message}`),
      );
    }
    if (document.errors.length > 0) continue;
    // The library searches the whole document for each; what an alias repeats is asked for again and again.
    const targets = new Map<Alias, unknown>();
    const reader = new DocumentReader(source, dialect, (alias) => {
      if (!targets.has(alias)) targets.set(alias, alias.resolve(document));
      return targets.get(alias);
    });
    const root = document.contents === null ? undefined : reader.read(document.contents, []);
    problems.push(...reader.problems);
    documents.push({ root, replaced: reader.replaced });
  }
  return { documents, problems };
}

/** The offset of the first list or map that stands too deep; found without recursion. */
function tooDeep(document: CST.Token): number | undefined {
  const open: { readonly token: CST.Token; readonly level: number }[] = [{ token: document, level: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, level } = next;
    if (level > MOST_LEVELS) return token.offset;
    if (token.type === 'document' && token.value !== undefined) open.push({ token: token.value, level });
    if (!('items' in token)) continue;
    for (const { key, value } of token.items) {
      if (key) open.push({ token: key, level: level + 1 });
      if (value) open.push({ token: value, level: level + 1 });
    }
  }
  return undefined;
}

type AstNode = ParsedNode | null | undefined;

/** What YAML does not allow unescaped (YAML 1.2, "Character Set"); the library lets it pass. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

function controlCharacters(source: SourceText): readonly Problem[] {
  const start = source.text.search(FORBIDDEN);
  if (start === -1) return [];
  const code = source.text.charCodeAt(start).toString(16).padStart(4, '0');
  const message = `not valid YAML: the control character U+${code.toUpperCase()} stands here`;
  return [problemAt({ source, start, end: start + 1 }, [], message, 'Remove it, or write it as an escape.')];
}

/** The library reads `!!merge <<` as a symbol. */
const scalarText = ({ value }: { readonly value: unknown }): string =>
  typeof value === 'symbol' ? (value.description ?? '') : `${value ?? ''}`;

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && (key.tag === undefined || key.tag.endsWith(':merge'));
}

/** Walks one document; its lifetime is the walk, in which it counts nodes and remembers the aliases it is inside of. */
class DocumentReader {
  readonly problems: Problem[] = [];
  readonly replaced: KeyPath[] = [];
  readonly #source: SourceText;
  readonly #dialect: YamlDialect;
  readonly #resolve: (alias: Alias) => unknown;
  readonly #open = new Set<unknown>();
  #nodes = 0;

  constructor(source: SourceText, dialect: YamlDialect, resolve: (alias: Alias) => unknown) {
    this.#source = source;
    this.#dialect = dialect;
    this.#resolve = resolve;
  }

  read(node: AstNode, path: KeyPath, at?: Place): Node | undefined {
    const place = node?.range ? this.#place(node.range[0], node.range[1]) : (at ?? this.#place(0, 0));
    if (++this.#nodes > MOST_NODES) {
      if (this.#nodes === MOST_NODES + 1)
        this.problems.push(problemAt(place, path, 'aliases make this document too large'));
      return undefined;
    }
    if (node === null || node === undefined) return scalar(null, place);
    if (isAlias(node)) return this.#readAlias(node, path, place);
    if (node.tag === '!reset' || node.tag === '!override') this.replaced.push(path);
    if (node.tag === '!reset') return undefined;
    if (isMap(node)) return this.#readMap(node as YAMLMap.Parsed, path, place);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.read(item as AstNode, [...path, index], place));
      return list(
        items.filter((item) => item !== undefined),
        place,
      );
    }
    return isScalar(node) ? this.#readScalar(node, path, place) : undefined;
  }

  #readScalar(node: { value: unknown; type?: string; tag?: string }, path: KeyPath, place: Place): Node {
    const text = scalarText(node);
    const isText = node.type !== 'PLAIN' || node.tag === 'tag:yaml.org,2002:str' || node.tag === '!';
    if (isText) return scalar(text, place);
    if (this.#dialect === 'compose' && isDate(text) && !path.some((part) => `${part}`.startsWith('x-')))
      this.problems.push(problemAt(place, path, `${text} is a date in YAML`, 'Put it between quotes.'));
    const value = resolvePlainScalar(text);
    const shown = shownNumber(text, value);
    return { ...scalar(value, place), ...(shown === undefined ? {} : { shown }) };
  }

  #readAlias(alias: Alias, path: KeyPath, place: Place): Node | undefined {
    const target = this.#resolve(alias) as AstNode;
    if (target === undefined || target === null) {
      this.problems.push(problemAt(place, path, `there is no anchor &${alias.source}`));
      return undefined;
    }
    if (this.#open.has(target)) {
      this.problems.push(problemAt(place, path, `the alias *${alias.source} stands inside what it names`));
      return undefined;
    }
    this.#open.add(target);
    const node = this.read(target, path, place);
    this.#open.delete(target);
    return node;
  }

  #readMap(node: YAMLMap.Parsed, path: KeyPath, place: Place): Node {
    const entries = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    let hasMerge = false;
    for (const pair of node.items) {
      if (this.#nodes > MOST_NODES) break;
      const key = this.read(pair.key as AstNode, path, place);
      if (key?.kind !== 'scalar') {
        this.problems.push(problemAt(key?.place ?? place, path, 'a key must be a word, not a list or a map'));
        continue;
      }
      const name = isScalar(pair.key) ? scalarText(pair.key) : `${key.value ?? ''}`;
      if (name === '<<' && isMergeKey(pair.key)) {
        const remedy = 'Write one with a list: "<<: [*a, *b]".';
        if (hasMerge)
          this.problems.push(problemAt(key.place, path, 'the key "<<" stands here twice', remedy));
        hasMerge = true;
        this.#merge(pair.value as AstNode, path, key.place, merged);
        continue;
      }
      if (typeof key.value !== 'string' && this.#dialect === 'compose') {
        const remedy = 'Put it between quotes.';
        this.problems.push(
          problemAt(key.place, [...path, name], `the key ${name} is no text in YAML`, remedy),
        );
      }
      if (entries.has(name)) {
        const remedy = 'Keep one of them.';
        this.problems.push(
          problemAt(key.place, [...path, name], `the key "${name}" stands here twice`, remedy),
        );
      }
      const value = this.read(pair.value as AstNode, [...path, name], key.place);
      if (value !== undefined) entries.set(name, { key: key.place, value });
    }
    for (const [name, entry] of merged) if (!entries.has(name)) entries.set(name, entry);
    return map(entries, place);
  }

  /** `<<: *a` and `<<: [*a, *b]`; of several the first wins (YAML 1.1, "Merge Key Language-Independent Type"). */
  #merge(node: AstNode, path: KeyPath, place: Place, into: Map<string, Entry>): void {
    const value = this.read(node, path, place);
    const sources = value?.kind === 'list' ? value.items : value === undefined ? [] : [value];
    for (const source of sources) {
      if (source.kind !== 'map') {
        this.problems.push(problemAt(source.place, path, 'only maps can be merged with <<'));
        continue;
      }
      for (const [name, entry] of source.entries) if (!into.has(name)) into.set(name, entry);
    }
  }

  #place(start: number, end: number): Place {
    return { source: this.#source, start, end };
  }
}
