export * from './edge/container.ts';
