import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden-file.ts';
import type { PromotionView } from '../rollout/index.ts';
import { certificateLosses, edgeMemory } from '../rollout/promotion/certificate-losses.ts';
import { styleFor } from '../style.ts';
import { viewPromoted, viewPromotion } from './catalog-view.ts';

const plain = styleFor(false);
const missing = certificateLosses({
  wished: { shop: [{ id: 'a.example.com', source: 'acme' }] },
  edges: [
    edgeMemory({
      tls: { root: 'PEM', certificates: [{ id: 'a.example.com', source: 'acme', isInterim: false }] },
    }),
  ],
});
const view: PromotionView = {
  ...{ from: 'front', to: 'app1', epoch: 2, source: 'rebuild', missing, unreachable: ['front'] },
};

test('a catalog that is rebuilt: what is lost and what follows is said before and after', () => {
  const done = { ...view, told: ['app1', 'app2'] };
  assertGolden('cli/catalog-rebuild.txt', `${viewPromotion(view, plain)}${viewPromoted(done, plain)}`);
});

test('of a catalog that moved as a whole nothing is said to be lost', () => {
  const done = { ...view, source: 'catalog', missing: [], told: ['app1'] } as const;
  assert.doesNotMatch(viewPromoted(done, plain), /does not have/);
});
