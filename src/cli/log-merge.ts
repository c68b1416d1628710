/** A line with what orders it. */
export interface TimedLine {
  /** RFC 3339 with nanoseconds in UTC, as Docker writes it; sorts as text. */
  readonly time: string;
}

export interface MergeOptions {
  /** Milliseconds that the other sources are waited for before a line that could be older is shown; default 200. */
  readonly patienceMs?: number;
  readonly signal: AbortSignal;
}

const PATIENCE_MS = 200;

interface Source<T> {
  readonly iterator: AsyncIterator<T>;
  head?: T;
  /** Being read; settles without a value to look at. */
  reading?: Promise<void>;
  /** It has had its time: lines of others no longer wait for it. */
  isQuiet: boolean;
  error?: unknown;
}

/**
 * Merges lines of several sources by time, while sources may still come. A source that has nothing to say holds the
 * others up for a moment only. At most one line per source is kept, so a slow reader slows the sources.
 */
export class LogMerger<T extends TimedLine> {
  readonly #sources = new Set<Source<T>>();
  readonly #options: MergeOptions;
  #wake: () => void = () => {};
  #isOpen = true;

  constructor(options: MergeOptions) {
    this.#options = options;
  }

  /** Adds a source; its end removes it, its error ends the merging. */
  add(lines: AsyncIterable<T>): void {
    this.#sources.add({ iterator: lines[Symbol.asyncIterator](), isQuiet: false });
    this.#wake();
  }

  /** No more sources will come: the merging ends with the last one. */
  seal(): void {
    this.#isOpen = false;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    const { signal } = this.#options;
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        for (const source of this.#sources) this.#read(source);
        const next = this.#oldest();
        if (next === 'end') return;
        if (next === 'wait') await this.#news();
        else {
          const { head } = next;
          delete next.head;
          if (head !== undefined) yield head;
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      for (const { iterator } of this.#sources) void iterator.return?.()?.catch(() => undefined);
    }
  }

  #read(source: Source<T>): void {
    if (source.head !== undefined || source.reading !== undefined) return;
    const timer = setTimeout(() => {
      source.isQuiet = true;
      this.#wake();
    }, this.#options.patienceMs ?? PATIENCE_MS);
    source.reading = source.iterator
      .next()
      .then(
        ({ done, value }) => {
          if (done) this.#sources.delete(source);
          else source.head = value;
        },
        (error: unknown) => {
          source.error = error;
        },
      )
      .finally(() => {
        clearTimeout(timer);
        source.isQuiet = false;
        delete source.reading;
        this.#wake();
      });
  }

  #oldest(): Source<T> | 'wait' | 'end' {
    if (this.#sources.size === 0) return this.#isOpen ? 'wait' : 'end';
    let oldest: Source<T> | undefined;
    for (const source of this.#sources) {
      if (source.error !== undefined) throw source.error;
      if (source.head === undefined) {
        if (!source.isQuiet) return 'wait';
      } else if (oldest?.head === undefined || source.head.time < oldest.head.time) oldest = source;
    }
    return oldest ?? 'wait';
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
