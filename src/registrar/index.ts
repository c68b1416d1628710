export { watchRegistrar } from './watch.ts';
