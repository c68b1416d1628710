import type { Actual } from './actual.ts';
import type { Change, Obstacle, Plan } from './change.ts';
import { builds, setUps, skippedHosts, unnamedHosts, unready, volumeChanges } from './host-diff.ts';
import { type PlanInput, planningOf } from './input.ts';
import { serviceOrder } from './order.ts';
import { removals } from './removals.ts';
import { planRoutes, takenRoutes } from './route-diff.ts';
import { planService, type ServicePlan } from './service-diff.ts';
import { orderSteps, prepares } from './steps.ts';
import { dueTasks, planTask } from './task-diff.ts';

/** The planner: what must change on the hosts so that they run what is desired, and in which steps. Pure. */
export function diff(input: PlanInput): Plan {
  const { desired, actual } = input;
  const planning = planningOf(input);
  const order = serviceOrder(desired);
  const plans = new Map<string, ServicePlan>();
  for (const name of order) {
    const service = desired.services[name];
    if (service?.kind === 'replica') plans.set(name, planService(planning, service, plans));
  }
  const rolls = [...plans.values()];
  const routes = planRoutes(desired, actual);
  const changing = new Set(rolls.filter((roll) => roll.renews).map((roll) => roll.service));
  const tasks = input.withoutTasks ? [] : dueTasks(desired, order, changing);
  const taskPlans = tasks.map((name) => planTask(planning, name));
  const moving = rolls.filter((roll) => roll.moves.length > 0);
  const obstacles = [
    ...unready(actual),
    ...unnamedHosts(actual),
    ...takenRoutes(desired, actual),
    ...rolls.flatMap((roll) => roll.obstacles),
    ...taskPlans.flatMap((t) => t.obstacles),
  ];
  const gone = removals(planning, moving, orderSteps(desired, order, moving, taskPlans));
  const changes = [
    ...setUps(actual),
    ...builds(input, [...changing, ...tasks]),
    ...volumeChanges(planning, moving),
    ...taskPlans.flatMap((task) => task.changes),
    ...rolls.flatMap((roll) => roll.changes),
    ...gone.changes,
    ...routes.changes,
    ...unfinished(actual),
  ];
  const steps = [...prepares(input, moving, taskPlans), ...gone.work, ...routes.steps, ...gone.last];
  const remarks = [...skippedHosts(actual), ...rolls.flatMap(({ remark }) => remark ?? [])];
  return {
    project: desired.project,
    changes,
    steps: obstacles.length > 0 ? [] : steps,
    obstacles: unique(obstacles),
    ...(remarks.length > 0 ? { remarks } : {}),
    ...(actual.mixed === undefined ? {} : { mixed: actual.mixed }),
  };
}

/** Containers alone do not tell that a release serves: it has to be recorded as good, or rollback would miss it. */
function unfinished({ unfinished, mixed }: Actual): Change[] {
  const release = unfinished ?? mixed?.release;
  if (release === undefined) return [];
  const why =
    mixed === undefined
      ? 'its deploy was cut short, or is under way: what it started is checked before it counts'
      : 'it runs beside the release before: what it started is checked before it counts';
  return [{ kind: 'finish-release', path: `releases.${release}`, from: 'unfinished', to: null, why: [why] }];
}

function unique(obstacles: readonly Obstacle[]): Obstacle[] {
  return [...new Map(obstacles.map((each) => [`${each.path} ${each.message}`, each])).values()];
}
