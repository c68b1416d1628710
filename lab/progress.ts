/** Takes one line of progress for a person. */
export type Say = (line: string) => void;

/** Does the work, then says what was done and how long it took. */
export async function timed<T>(say: Say, done: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const result = await work();
  say(`${done} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  return result;
}
