export { benchDeploy } from './run.ts';
