export { type AccountOptions, rollAccountKey } from './account.ts';
export * from './acme/index.ts';
export * from './ca/index.ts';
export { lookFromHere } from './look.ts';
export { type OnStep, ORDER_STEPS, type OrderStep } from './steps.ts';
export {
  type CertificatesLimits,
  type CertificatesOptions,
  DEFAULT_LIMITS,
  watchCertificates,
} from './watch.ts';
