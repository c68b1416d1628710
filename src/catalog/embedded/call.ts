import type { Catalog } from './catalog.ts';
import { HttpError } from './http-error.ts';

/** One request, as the handlers see it. */
export interface Call {
  readonly method: string;
  /** What follows the route's path, decoded. */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Aborted when the client is gone or the server ends. */
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly raw?: Buffer;
}

export type Handler = (catalog: Catalog, call: Call) => Reply | Promise<Reply>;

export type Method = 'GET' | 'PUT' | 'DELETE';

/** A path that ends with a slash takes everything below it. */
export interface Route {
  readonly path: string;
  readonly handlers: { readonly [M in Method]?: Handler };
}

export const ok = (json: unknown): Reply => ({ status: 200, json });
export const done: Reply = { status: 200 };

/** The name in the path. @throws HttpError 400 when it is missing. */
export function named(call: Call, what: string): string {
  if (call.rest === '') throw new HttpError(400, `Missing ${what}`);
  return call.rest;
}

/** An unsigned integer of the query; undefined when it is not there. @throws HttpError 400 when it is something else. */
export function unsigned(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new HttpError(400, `Invalid ${name}`);
}
