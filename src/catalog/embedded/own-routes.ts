import { news, waitMs } from './blocking.ts';
import type { Handler, Reply, Route } from './call.ts';
import { unsigned } from './call.ts';
import type { Catalog } from './catalog.ts';
import { HttpError } from './http-error.ts';
import { snapshotText } from './journal.ts';

/** Answered by every server, also where no catalog is. */
export const PLACE_PATH = '/v1/seawall/place';

/** Between handing everything over and being told of the new place. */
const STEP_DOWN_MS = 120_000;

/**
 * The whole catalog as text. With `index` it waits until something lasting changed (not signs of life) or `wait` is over;
 * 304 when nothing at all did.
 */
const snapshot: Handler = async (catalog, call) => {
  const index = unsigned(call.query, 'index') ?? 0;
  await news(catalog, 'lasting', index, waitMs(call.query), call.signal);
  return index === catalog.state.index ? { status: 304 } : wholeCatalog(catalog);
};

/** The last word of a catalog that moves: everything, and from then on no answers. */
const stepDown: Handler = (catalog) => {
  catalog.stepDown(STEP_DOWN_MS);
  return wholeCatalog(catalog);
};

function wholeCatalog({ state }: Catalog): Reply {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Consul-Index': String(state.index) };
  return { status: 200, headers, raw: Buffer.from(snapshotText(state)) };
}

export const OWN_ROUTES: readonly Route[] = [
  { path: '/v1/seawall/snapshot', handlers: { GET: snapshot } },
  { path: '/v1/seawall/step-down', handlers: { PUT: stepDown } },
];

/** @throws HttpError 503 while the catalog hands itself over. */
export function refuseSteppedDown(catalog: Catalog): void {
  if (catalog.isSteppedDown) throw new HttpError(503, 'The catalog is about to move to another host');
}
