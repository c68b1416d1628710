export { AcmeClient } from './client.ts';
export { makeCsr } from './csr.ts';
export {
  AcmeError,
  isAlreadyReplaced,
  isOutage,
  isRateLimited,
} from './error.ts';
export { dnsValue, keyAuthorization } from './jws.ts';
export { makeKey } from './key.ts';
export type * from './nouns.ts';
export { renewalId } from './renewal-id.ts';
