/** {@link makeStage} with a CA in this process and a clock that a test sets. */
import type { TestContext } from 'node:test';
import type { CertificateRecord, CertificateState, IssuerRecord } from '../src/catalog/tls-record.ts';
import { type CertificatesOptions, DEFAULT_LIMITS } from '../src/certs/index.ts';
import { makeStage, type Stage, until } from './certs-stage.ts';
import { FakeAcme } from './fake-acme.ts';

export const main: IssuerRecord = { name: 'main', directory: 'https://main.test/dir' };
export const rehearsed: IssuerRecord = { ...main, staging: 'https://staging.test/dir' };
export const other: IssuerRecord = { name: 'other', directory: 'https://other.test/dir' };

export interface Scene {
  readonly stage: Stage;
  readonly ca: FakeAcme;
  readonly clock: { now: number };
  readonly lead: (more?: Partial<CertificatesOptions>) => ReturnType<Stage['lead']>;
}

/** A catalog, one edge, a CA, and a clock that a test sets. */
export async function makeScene(t: TestContext, issuers: readonly IssuerRecord[] = [main]): Promise<Scene> {
  const stage = await makeStage(t, { port: 0, issuers });
  await stage.edge('edge1');
  const clock = { now: Date.now() };
  const ca = new FakeAcme(() => clock.now);
  const options: Partial<CertificatesOptions> = {
    chance: { now: () => clock.now, random: () => 0.5 },
    connect: ca.connect,
    limits: { ...DEFAULT_LIMITS, edgesMs: 5_000, longestWaitMs: 20 },
  };
  return { stage, ca, clock, lead: (more) => stage.lead({ ...options, ...more }) };
}

export const real = (stage: Stage, id: string): Promise<CertificateRecord> =>
  until(`${id} has its certificate`, async () => {
    const record = await stage.live(id);
    return record === undefined || record.isInterim ? undefined : record;
  });

export const stateWith = (
  stage: Stage,
  id: string,
  test: (state: CertificateState) => boolean,
): Promise<CertificateState> =>
  until(`${id} is in that state`, async () => {
    const state = await stage.state(id);
    return state !== undefined && test(state) ? state : undefined;
  });
