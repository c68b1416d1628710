/** `npm test`: builds, then unit, golden and property tests, then the core end-to-end tests on a lab of three hosts. */
import { prepareTests, runNode } from './prepare-tests.ts';
import { coreTests, unitTests } from './test-files.ts';

// Some tests beside the code need a real engine too.
const isGood =
  (await prepareTests()) &&
  (await runNode('unit, golden and property tests', ['--test', ...unitTests()])) &&
  (await runNode('end to end, on real hosts', ['--test', '--test-concurrency=1', ...coreTests()]));
process.exit(isGood ? 0 : 1);
