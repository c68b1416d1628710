import { join } from 'node:path';
import { sha256 } from '../src/hash.ts';

const root = join(import.meta.dirname, '..');

/** Name of a test's lab on the engine: checkouts side by side have labs of their own. */
export const labName = (stage: string): string => `${stage}-${sha256(root).slice(0, 6)}`;
