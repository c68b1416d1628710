import { SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { isNotFound } from '../hosts/index.ts';
import { configHash, containerPlan, type Step } from '../plan/index.ts';
import type { RolloutContext } from './context.ts';
import { describeFailure, TaskFailure } from './failure.ts';
import { linkTo } from './roll.ts';

type TaskStep = Extract<Step, { kind: 'run-task' }>;

/**
 * Runs a task to its end and shows its output line by line.
 * @throws TaskFailure when it does not end with code 0.
 */
export async function runTask(context: RolloutContext, step: TaskStep): Promise<void> {
  const { desired, cluster, release, images, signal, report } = context;
  const service = desired.services[step.service];
  const host = linkTo(context, step.host);
  const record = context.hosts.find((each) => each.name === step.host);
  const image = images[step.service];
  if (!service || !record || !image)
    throw new SeawallError('bug', `task ${step.service} on ${step.host} is not prepared`);
  const plan = containerPlan(desired, service, {
    cluster: cluster.id,
    privateAddress: record.privateAddress,
    kind: 'task',
    replica: 1,
    release,
    config: configHash(desired, service, sha256),
    image: image.reference,
    addresses: {},
  });
  const name = `${desired.project}-${service.name}-task-${context.suffix()}`;
  const body = plan.body as Parameters<typeof host.docker.createContainer>[1];
  const id = await host.docker.createContainer(name, body, { signal });
  try {
    for (const { network, endpoint } of plan.connect)
      await host.docker.connectNetwork(network, id, endpoint, { signal });
    await host.docker.startContainer(id, { signal });
    for await (const { line } of host.docker.containerLogs(id, { follow: true, signal })) {
      report({ kind: 'line', from: service.name, text: String(line) });
    }
    const code = await host.docker.waitContainer(id, { signal });
    if (code === 0) return;
    const failure = new TaskFailure({ id, name, host: step.host, service }, `it ended with code ${code}`, '');
    failure.report = await describeFailure(failure, host, signal);
    throw failure;
  } finally {
    try {
      // One that still runs was interrupted: it may finish a step, or clean up.
      await host.docker.stopContainer(id, service.stopGraceMs);
      await host.docker.removeContainer(id, { force: true, volumes: true });
    } catch (error) {
      if (!isNotFound(error))
        report({ kind: 'line', from: service.name, text: `its container ${name} could not be removed` });
    }
  }
}
