import type { SourceText } from '../problems.ts';

/** What the loader may ask of the operator's machine; given as functions so that loading is pure. */
export interface Files {
  /** The file's text, or `undefined` when there is none (or it is a folder). */
  read(path: string): string | undefined;
  /** How messages name a path. */
  show(path: string): string;
  /** What `~` stands for. */
  readonly home: string;
}

export function readSource(files: Files, path: string): SourceText | undefined {
  const text = files.read(path);
  return text === undefined ? undefined : { path, name: files.show(path), text };
}
