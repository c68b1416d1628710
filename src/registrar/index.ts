export { type RegistrarOptions, watchRegistrar } from './watch.ts';
