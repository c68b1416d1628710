export * from './acme/index.ts';
export * from './ca/index.ts';
export { keptHands, watchKept } from './kept/watch.ts';
export { lookFromHere } from './look.ts';
export { ORDER_STEPS } from './steps.ts';
export { type CertificatesOptions, DEFAULT_LIMITS, watchCertificates } from './watch.ts';
