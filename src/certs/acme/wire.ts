import { z } from 'zod';
import { describeError } from '../../errors.ts';
import type { AcmeProblem } from './error.ts';
import type { AcmeAuthorization, AcmeDirectory, AcmeOrder } from './nouns.ts';

/** From an ACME server's JSON to this client's nouns. What is unknown is left out, what is needed must be there. */

const identifier = z.object({ type: z.string(), value: z.string() });

const problem = z.object({
  type: z.string().optional(),
  detail: z.string().optional(),
  status: z.number().optional(),
  instance: z.string().optional(),
  subproblems: z
    .array(
      z.object({
        type: z.string().optional(),
        detail: z.string().optional(),
        identifier: identifier.optional(),
      }),
    )
    .optional(),
});

const directory = z.object({
  newNonce: z.string(),
  newAccount: z.string(),
  newOrder: z.string(),
  revokeCert: z.string(),
  keyChange: z.string(),
  renewalInfo: z.string().optional(),
  meta: z
    .object({
      termsOfService: z.string().optional(),
      website: z.string().optional(),
      caaIdentities: z.array(z.string()).optional(),
      externalAccountRequired: z.boolean().optional(),
      profiles: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
});

const order = z.object({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  identifiers: z.array(identifier),
  authorizations: z.array(z.string()),
  finalize: z.string(),
  certificate: z.string().optional(),
  expires: z.string().optional(),
  profile: z.string().optional(),
  error: problem.optional(),
});

/** RFC 8555 section 8.1: base64url without padding, at least 128 bits, so 22 characters. */
const TOKEN = /^[A-Za-z0-9_-]{22,512}$/;

const challenge = z.object({
  type: z.string(),
  url: z.string(),
  token: z.string().optional(),
  status: z.enum(['pending', 'processing', 'valid', 'invalid']),
  error: problem.optional(),
});

const authorization = z.object({
  identifier,
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  expires: z.string().optional(),
  wildcard: z.boolean().optional(),
  challenges: z.array(challenge),
});

const renewalInfo = z.object({
  suggestedWindow: z.object({ start: z.string(), end: z.string() }),
  explanationURL: z.string().optional(),
});

/** What was not as it had to be, of an error of the functions below or of `JSON.parse`. */
export function mismatch(error: unknown): string {
  return error instanceof z.ZodError ? z.prettifyError(error) : describeError(error);
}

/** Each throws ZodError. */
export function toDirectory(json: unknown): AcmeDirectory {
  const { meta = {}, ...urls } = directory.parse(json);
  const { caaIdentities = [], externalAccountRequired = false, profiles = {}, ...pages } = meta;
  return dropAbsent({ ...urls, ...pages, caaIdentities, externalAccountRequired, profiles });
}

export function toOrder(url: string, json: unknown): AcmeOrder {
  const { identifiers, error, ...rest } = order.parse(json);
  return dropAbsent({
    ...rest,
    url,
    names: identifiers.map(({ value }) => value),
    error: error && asProblem(error),
  });
}

export function toAuthorization(url: string, json: unknown): AcmeAuthorization {
  const { identifier: of, challenges, wildcard = false, ...rest } = authorization.parse(json);
  return dropAbsent({
    ...rest,
    url,
    identifier: of.value,
    wildcard,
    challenges: challenges.flatMap(({ token, error, ...found }) =>
      token !== undefined && TOKEN.test(token)
        ? [dropAbsent({ ...found, token, error: error && asProblem(error) })]
        : [],
    ),
  });
}

/** RFC 9773 section 4.2; undefined when the window is none: it then counts as no answer. */
export function toWindow(
  json: unknown,
): { readonly start: string; readonly end: string; readonly explanation?: string } | undefined {
  const { suggestedWindow, explanationURL } = renewalInfo.parse(json);
  const start = new Date(suggestedWindow.start);
  const end = new Date(suggestedWindow.end);
  if (!(start.getTime() < end.getTime())) return undefined;
  return dropAbsent({
    start: start.toISOString(),
    end: end.toISOString(),
    explanation: explanationURL,
  });
}

/** A problem document (RFC 7807); undefined when it is none. */
export function toProblem(json: unknown): AcmeProblem | undefined {
  const { data } = problem.safeParse(json);
  return data && asProblem(data);
}

function asProblem(found: z.infer<typeof problem>): AcmeProblem {
  const { subproblems, ...rest } = found;
  return dropAbsent({
    ...rest,
    subproblems: subproblems?.map(({ identifier: of, ...sub }) =>
      dropAbsent({ ...sub, identifier: of?.value }),
    ),
  });
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the fields that are undefined. */
function dropAbsent<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
