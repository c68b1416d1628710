export { benchAgent } from './run.ts';
