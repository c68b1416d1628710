import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../replace-file.ts';

/** RFC 8555 section 8.1: base64url; the key authorization is the token, a point and the key's thumbprint. */
const tokenPattern = /^[A-Za-z0-9_-]{1,200}$/;
const thumbprintPattern = /^[A-Za-z0-9_-]{1,200}$/;

/** What nginx serves to anybody: challenge answers and the private CA's revocation list. No reload is needed. */
export class PublicFiles {
  readonly #edgePath: string;
  /** Token → answer on the disk; undefined: the folder was not looked at yet. */
  #answers: ReadonlyMap<string, string> | undefined;
  #revocationList: string | undefined;
  #hasFolders = false;

  constructor(edgePath: string) {
    this.#edgePath = edgePath;
  }

  /** Makes the files as they should be. @returns the tokens that are answered, sorted. */
  async put(
    answers: ReadonlyMap<string, string> | undefined,
    revocationList: string | undefined,
  ): Promise<readonly string[]> {
    await this.#makeFolders();
    if (revocationList !== undefined && revocationList !== this.#revocationList) {
      await replaceFile(this.#path('public', 'ca.crl'), Buffer.from(revocationList, 'base64'), 0o644);
      this.#revocationList = revocationList;
    }
    if (answers !== undefined) await this.#putAnswers(answers);
    return [...(this.#answers?.keys() ?? [])].toSorted();
  }

  async #putAnswers(all: ReadonlyMap<string, string>): Promise<void> {
    const wanted = new Map([...all].filter(([token, answer]) => isAnswer(token, answer)));
    const known = this.#answers ?? new Map<string, string>();
    for (const [token, answer] of wanted)
      if (known.get(token) !== answer) await replaceFile(this.#path('challenges', token), answer, 0o644);
    const files = this.#answers === undefined ? await readdir(this.#path('challenges')) : [...known.keys()];
    for (const name of files)
      if (!wanted.has(name)) await rm(this.#path('challenges', name), { force: true });
    this.#answers = wanted;
  }

  async #makeFolders(): Promise<void> {
    if (this.#hasFolders) return;
    for (const name of ['challenges', 'public'])
      await mkdir(this.#path(name), { recursive: true, mode: 0o755 });
    this.#hasFolders = true;
  }

  #path(...names: readonly string[]): string {
    return join(this.#edgePath, ...names);
  }
}

/** What is no answer is no file: a token names one. */
function isAnswer(token: string, answer: string): boolean {
  const [first, thumbprint, ...more] = answer.split('.');
  return (
    tokenPattern.test(token) &&
    first === token &&
    thumbprintPattern.test(thumbprint ?? '') &&
    more.length === 0
  );
}
