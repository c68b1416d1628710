/** Environment of the golden Compose files, in the test and when they are recorded. */
export const GOLDEN_ENV = { HOME: '/home/user', HOME2: 'h2', SECRET_X: 'sx', A: 'outside' } as const;

export const GOLDEN_PROFILES: readonly string[] = ['p'];
