import { join } from 'node:path';
import { sha256 } from '../src/hash.ts';

const root = join(import.meta.dirname, '..');
/** Tests that `npm run e2e -- --lanes N` runs side by side have labs of their own. */
const lane = process.env.SEAWALL_TEST_LANE ?? '';

/** Name of a test's lab on the engine: checkouts side by side have labs of their own, and so have lanes. */
export const labName = (stage: string): string => `${stage}-${sha256(`${root}\n${lane}`).slice(0, 6)}`;

/** Where the labs of this checkout's tests have what they write. */
export const labsFolder = join(root, '.lab', lane);
