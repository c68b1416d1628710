export { redactEnv, redactEnvList, redactValue } from './redact.ts';
export { seal, unseal } from './seal.ts';
