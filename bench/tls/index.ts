export { benchTls } from './run.ts';
