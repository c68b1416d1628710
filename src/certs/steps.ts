/** The steps of an order, in their order; a leader may die after each of them. */
export const ORDER_STEPS = [
  'key kept',
  'signed in',
  'order made',
  'order kept',
  'answers put',
  'answers in force',
  'challenges accepted',
  'authorized',
  'finalized',
  'downloaded',
  'served',
  'cleaned up',
  'noted',
] as const;

export type OrderStep = (typeof ORDER_STEPS)[number];

/** Told after each step; for tests, which have a leader die there. */
export type OnStep = (
  step: OrderStep,
  about: { readonly id: string; readonly isRehearsal: boolean },
) => void | Promise<void>;
