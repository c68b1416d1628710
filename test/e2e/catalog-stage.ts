/** What the tests that attack the catalog share: three hosts, the shop on two of them, and what `seawall catalog` says. */
process.env.SEAWALL_STAGE = 'catalog';

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { findHost, takeDownLab } from '../../lab/hosts.ts';
import type { CatalogStatus, PromotionResult } from '../../src/rollout/index.ts';
import type { LoadReport } from './load/report.ts';

// After the name is set.
const stage = await import('./core/stage.ts');
const { lab } = stage;
export const { ask, deployShop, expectCode, onHost, seawall, until } = stage;
export { lab };

after(async () => {
  if (process.env.SEAWALL_KEEP_LAB === undefined) await takeDownLab(lab);
});

/** The shop with host1 as edge and catalog alone, host2 as second edge. */
function catalogShop() {
  const project = stage.projectFolder('shop');
  // As few processes as will do, and patient checks: these tests stop whole hosts on a machine that has little to give.
  const healthcheck = { interval: '10s', timeout: '20s', retries: 5, start_period: '60s' };
  const lean = {
    services: {
      web: { healthcheck, deploy: { replicas: 2 } },
      api: { healthcheck, deploy: { replicas: 1 } },
      store: { healthcheck },
    },
  };
  writeFileSync(join(project.folder, 'lean.yaml'), JSON.stringify(lean));
  const file = join(project.folder, 'edges.yml');
  const settings = { compose: ['compose.yaml', 'lean.yaml'], hosts: { host2: { roles: ['app', 'edge'] } } };
  writeFileSync(file, JSON.stringify(settings));
  return { ...project, files: [...project.files, file] };
}

export const shop = catalogShop();
/** The edge that stays: the traffic of these tests goes to it. */
export const second = findHost(lab, 'host2').address;

/** Does `work` while the second edge is asked 40 times a second; fails if one of them failed. */
export async function withoutLoss(
  t: TestContext,
  versions: readonly string[],
  work: () => Promise<void>,
): Promise<LoadReport> {
  const report = await stage.underLoad({ url: `http://${second}`, rate: 40, versions }, work);
  const { requests, failed, seconds, maxMs } = report;
  t.diagnostic(`${requests} requests in ${Math.round(seconds)} s, ${failed} failed, slowest ${maxMs} ms`);
  if (failed > 0)
    t.diagnostic(`failed: ${JSON.stringify(report.reasons)}; client late by ${report.mostLagMs} ms`);
  assert.equal(failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.ok(requests > 100);
  return report;
}

/** What `catalog status --json` says, with its exit code. */
export async function catalogStatus(): Promise<CatalogStatus & { readonly code: number }> {
  const { code, stdout, stderr } = await seawall(shop, ['catalog', 'status', '--json']);
  assert.ok(code === 0 || code === 5, stdout + stderr);
  return { ...(JSON.parse(stdout) as CatalogStatus), code };
}

export async function promote(host: string, ...flags: readonly string[]): Promise<PromotionResult> {
  const { stdout } = await expectCode(0, shop, ['catalog', 'promote', host, '--yes', '--json', ...flags]);
  return JSON.parse(stdout) as PromotionResult;
}

/** Seconds until `work` is done. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return Math.round((performance.now() - startedAt) / 100) / 10;
}
