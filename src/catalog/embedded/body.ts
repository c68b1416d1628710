import { HttpError } from './http-error.ts';

/**
 * A JSON object whose keys are found whatever their spelling: clients write `ServiceID`, `serviceid` and `service_id`
 * (Consul decodes loosely, lib/decode). A value of the wrong type is refused.
 */
export class Body {
  readonly #fields = new Map<string, unknown>();

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw bad('an object was expected');
    for (const [name, field] of Object.entries(value)) this.#fields.set(fold(name), field);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  text(name: string): string {
    const value = this.#get(name) ?? '';
    if (typeof value !== 'string') throw bad(`${name} is no string`);
    return value;
  }

  integer(name: string, absent = 0): number {
    const value = this.#get(name) ?? absent;
    if (!Number.isSafeInteger(value)) throw bad(`${name} is no integer`);
    return value as number;
  }

  flag(name: string): boolean {
    const value = this.#get(name) ?? false;
    if (typeof value !== 'boolean') throw bad(`${name} is no boolean`);
    return value;
  }

  texts(name: string): string[] {
    const value = this.#get(name) ?? [];
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
      throw bad(`${name} is no list of strings`);
    return value;
  }

  /** A map of strings, its keys as they were written; null when absent. */
  map(name: string): Record<string, string> | null {
    const value = this.#get(name);
    if (value === undefined) return null;
    if (typeof value !== 'object' || Array.isArray(value)) throw bad(`${name} is no object`);
    const entries = Object.entries(value as object);
    if (entries.some(([, item]) => typeof item !== 'string'))
      throw bad(`${name} has values that are no strings`);
    return Object.fromEntries(entries);
  }

  child(name: string): Body | undefined {
    const value = this.#get(name);
    return value === undefined ? undefined : new Body(value);
  }

  children(name: string): Body[] {
    const value = this.#get(name) ?? [];
    if (!Array.isArray(value)) throw bad(`${name} is no list`);
    return value.map((item) => new Body(item));
  }

  /** Keys as written with their objects; for maps of objects. */
  childMap(name: string): [string, Body][] {
    const value = this.#get(name);
    if (value === undefined) return [];
    if (typeof value !== 'object' || Array.isArray(value)) throw bad(`${name} is no object`);
    return Object.entries(value as object).map(([key, item]) => [key, new Body(item)]);
  }

  /** JSON's null counts as absent. */
  #get(name: string): unknown {
    return this.#fields.get(fold(name)) ?? undefined;
  }
}

/** @throws HttpError 400 when it is no JSON object; an empty body is an empty object. */
export function parseBody(bytes: Buffer): Body {
  if (bytes.length === 0) return new Body({});
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
  return new Body(value);
}

const fold = (name: string): string => name.replaceAll('_', '').toLowerCase();

const bad = (what: string): HttpError => new HttpError(400, `Request decode failed: ${what}`);
