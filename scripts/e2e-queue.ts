/** A test file that waits for its turn. */
export interface WaitingTest {
  readonly file: string;
  /** Tests of a group share a lab. */
  readonly group: string;
  /** How long it is thought to take. */
  readonly minutes: number;
}

/** What is still to be run, by several who take the next one each. */
export class TestQueue {
  readonly #groups: Map<string, WaitingTest[]>;
  readonly #begun = new Set<string>();

  constructor(tests: readonly WaitingTest[]) {
    this.#groups = Map.groupBy(tests, ({ group }) => group);
  }

  /**
   * The next test for whoever ran one of `group`: of the same group, whose lab is up; else the longest group that nobody has; else
   * of the group of which most is left.
   */
  next(group: string | undefined): WaitingTest | undefined {
    const open = [...this.#groups].filter(([, tests]) => tests.length > 0).map(([name]) => name);
    const longest = open.toSorted((a, b) => this.#minutes(b) - this.#minutes(a));
    const own = open.find((name) => name === group);
    const chosen = own ?? longest.find((name) => !this.#begun.has(name)) ?? longest[0];
    if (chosen === undefined) return undefined;
    this.#begun.add(chosen);
    return this.#groups.get(chosen)?.shift();
  }

  #minutes(group: string): number {
    return (this.#groups.get(group) ?? []).reduce((sum, { minutes }) => sum + minutes, 0);
  }
}
