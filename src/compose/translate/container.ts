import { parseDuration } from '../../units.ts';
import type { ContainerSettings, Hook } from '../desired.ts';
import type { HealthModel, HookModel, ServiceModel } from '../model.ts';
import { hostConfig } from './host-config.ts';

/** The part of a container's creation that Compose keys decide. */
export function containerSettings(service: ServiceModel, isTask: boolean): ContainerSettings {
  const healthcheck = service.healthcheck === undefined ? undefined : dockerHealthcheck(service.healthcheck);
  return {
    ...(service.command === null ? {} : { Cmd: service.command }),
    ...(service.entrypoint === null ? {} : { Entrypoint: service.entrypoint }),
    ...(service.environment === undefined ? {} : { Env: environment(service.environment) }),
    ...(service.user === undefined ? {} : { User: service.user }),
    ...(service.working_dir === undefined ? {} : { WorkingDir: service.working_dir }),
    ...(service.hostname === undefined ? {} : { Hostname: service.hostname }),
    ...(service.domainname === undefined ? {} : { Domainname: service.domainname }),
    ...(service.labels === undefined ? {} : { Labels: sorted(service.labels) }),
    ...(service.tty === undefined ? {} : { Tty: service.tty }),
    ...(service.stdin_open === undefined ? {} : { OpenStdin: service.stdin_open }),
    ...(service.stop_signal === undefined ? {} : { StopSignal: service.stop_signal }),
    ...(healthcheck === undefined ? {} : { Healthcheck: healthcheck }),
    HostConfig: hostConfig(service, isTask),
  };
}

/** `post_start` or `pre_stop`. */
export function hooks(models: readonly HookModel[] | undefined): readonly Hook[] | undefined {
  return models?.map(({ command, user, privileged, working_dir, environment: values }) => ({
    command: command ?? [],
    ...(user === undefined ? {} : { user }),
    ...(working_dir === undefined ? {} : { workingDir: working_dir }),
    ...(privileged === true ? { isPrivileged: true as const } : {}),
    ...(values === undefined ? {} : { env: environment(values) }),
  }));
}

/** Whether the service switches every Docker check off, that of the image too. */
export function isHealthcheckOff(service: ServiceModel): boolean {
  return service.healthcheck?.disable === true || service.healthcheck?.test?.[0] === 'NONE';
}

/** `NAME=value`; a variable without value, here or outside, is not set. */
function environment(values: Readonly<Record<string, string | null>>): readonly string[] {
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
}

export function sorted<Value>(values: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function dockerHealthcheck(health: HealthModel): ContainerSettings['Healthcheck'] {
  if (health.disable === true) return { Test: ['NONE'] };
  const duration = (text: string | undefined) => (text === undefined ? undefined : parseDuration(text));
  const settings = {
    Test: health.test,
    Interval: duration(health.interval),
    Timeout: duration(health.timeout),
    StartPeriod: duration(health.start_period),
    StartInterval: duration(health.start_interval),
    Retries: health.retries,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
