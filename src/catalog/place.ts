import { z } from 'zod';
import type { CatalogPlace } from '../cluster.ts';
import { type CatalogConnection, CatalogTransport } from './transport.ts';

/** What the server of any host says of where the catalog is (`GET /v1/seawall/place`). */
export interface PlaceAnswer {
  readonly epoch: number;
  /** Name of the host that runs the catalog. */
  readonly host: string;
  /** Its private address. */
  readonly address: string;
  /** Seawall's version of the server that answers. */
  readonly version?: string | undefined;
  /** Index of the last commit; only the catalog itself has one. */
  readonly index?: number | undefined;
  /** What keeps the catalog from writing, in words; absent: nothing. */
  readonly problem?: string | undefined;
}

const answerShape = z.object({
  epoch: z.int().positive(),
  host: z.string(),
  address: z.string(),
  version: z.string().optional(),
  index: z.number().optional(),
  problem: z.string().optional(),
});

/** Asks the server of one host where the catalog is; undefined when it does not answer, or not as it should. */
export async function askPlace(
  connection: Omit<CatalogConnection, 'epoch'>,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<PlaceAnswer | undefined> {
  const { timeoutMs, signal } = options;
  const transport = new CatalogTransport(connection);
  try {
    const request = { method: 'GET', path: '/v1/seawall/place', timeoutMs } as const;
    const { status, text } = await transport.request(signal === undefined ? request : { ...request, signal });
    return status === 200 ? answerShape.parse(JSON.parse(text)) : undefined;
  } catch {
    // Whoever asks has others to ask, and asks again.
    signal?.throwIfAborted();
    return undefined;
  } finally {
    transport.close();
  }
}

/** The connection to a place of the catalog, from one of its hosts. */
export function placeConnection(
  place: CatalogPlace,
  target: CatalogConnection['target'],
): CatalogConnection & { readonly epoch: number } {
  const { certificate, token, epoch = 1 } = place;
  return { target, certificate, token, epoch };
}
