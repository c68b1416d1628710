import { readdirSync } from 'node:fs';
import { join } from 'node:path';

function testFiles(folder: string, accept: (path: string) => boolean = () => true): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.test.ts') && accept(path))
    .sort();
}

/** Unit, golden and property tests. */
export const unitTests = (): string[] => [
  ...['src', 'lab', 'scripts', 'bench'].flatMap((folder) => testFiles(folder)),
  ...testFiles('test', (path) => !path.startsWith('test/e2e')),
];

/** The end-to-end tests that `npm test` runs. */
export const coreTests = (): string[] => testFiles('test/e2e/core');

/** Every end-to-end test. */
export const endToEndTests = (): string[] => testFiles('test/e2e');

/** Such as `core/rollout` or `wireguard`: what `npm run e2e -- NAME` takes. */
export const partName = (file: string): string => file.replace(/^test\/e2e\//, '').replace(/\.test\.ts$/, '');

/** Load that takes the whole machine (300 requests a second over HTTPS): what another lab takes from it would look like a fault. */
export const needsMachine = (file: string): boolean => partName(file) === 'tls/renewal';
