export { EdgeLoop } from './watch.ts';
