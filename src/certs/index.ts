export * from './ca/index.ts';
