export { AcmeClient } from './client.ts';
export { type CsrOptions, makeCsr } from './csr.ts';
export {
  AcmeError,
  type AcmeProblem,
  type AcmeSubproblem,
  isAlreadyReplaced,
  isOutage,
  isRateLimited,
} from './error.ts';
export { dnsValue, keyAuthorization } from './jws.ts';
export { makeKey } from './key.ts';
export type * from './nouns.ts';
export type { AcmeWait } from './poll.ts';
export { renewalId } from './renewal-id.ts';
export type { AcmeCall } from './transport.ts';
