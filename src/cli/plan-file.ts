import type { Plan } from '../plan/index.ts';

/** What `seawall plan --out` writes and `seawall deploy FILE` reads. */
export interface PlanFile {
  readonly format: typeof planFileFormat;
  readonly plan: Plan;
}

export const planFileFormat = 'seawall-plan-1';
