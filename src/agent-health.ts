import { readFile, rename, writeFile } from 'node:fs/promises';
import { describeError } from './errors.ts';

/** What a program says of itself for Docker's HEALTHCHECK, in the container's own memory. */
interface HealthReport {
  /** Milliseconds since the epoch, of the same clock that reads it. */
  readonly at: number;
  readonly problems: readonly string[];
}

const HEALTH_FILE = '/run/seawall-health.json';
/** A program writes every 5 s; one that has not for this long hangs. */
const OLDEST_MS = 30_000;

export async function writeHealth(problems: readonly string[], path = HEALTH_FILE): Promise<void> {
  const report: HealthReport = { at: Date.now(), problems };
  await writeFile(`${path}.new`, JSON.stringify(report));
  await rename(`${path}.new`, path);
}

/** @returns what is wrong; none: the program is well. */
export async function readHealth(path = HEALTH_FILE): Promise<readonly string[]> {
  try {
    const report = JSON.parse(await readFile(path, 'utf8')) as HealthReport;
    const ageMs = Date.now() - report.at;
    return ageMs > OLDEST_MS ? [`no sign of life for ${Math.round(ageMs / 1000)} s`] : report.problems;
  } catch (error) {
    return [`no report: ${describeError(error)}`];
  }
}
