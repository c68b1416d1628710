import { parseDurationMs } from '../../units.ts';
import type {
  DesiredBuild,
  DesiredCertificate,
  DesiredContent,
  DesiredMount,
  DesiredPort,
  DesiredService,
  HealthRule,
} from '../desired.ts';
import type { ComposeModel, ServiceModel } from '../model.ts';
import { desiredBuild } from './build.ts';
import { serviceCertificate } from './certificate.ts';
import { containerSettings, hooks, isHealthcheckOff, sorted } from './container.ts';
import { serviceExtension } from './extension.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { serviceMounts } from './mounts.ts';
import { checkNames } from './name-checks.ts';
import { firstPort, servicePorts } from './ports.ts';
import { refuse } from './remark.ts';
import { stopFirstReason, updateRule } from './update.ts';

/** One service as it should be, the contents that it mounts, and the certificate that its replicas serve with. */
export interface TranslatedService {
  readonly service: DesiredService;
  readonly certificate?: DesiredCertificate;
  readonly contents: readonly DesiredContent[];
}

export function translateService(
  name: string,
  input: TranslateInput,
  remarks: Remarks,
): TranslatedService | undefined {
  const service = input.model.services[name];
  if (service === undefined) return undefined;
  const kind = isTask(name, input.model) ? 'task' : 'replica';
  const extension = serviceExtension(name, service, input, remarks);
  const { mounts: written, contents } = serviceMounts(name, service, input, remarks);
  const own = serviceCertificate(name, service, kind === 'task', input, remarks);
  const mounts = own === undefined ? written : [...written, own.mount];
  const ports = servicePorts(name, service, input, remarks);
  const reason = stopFirstReason(service, mounts, ports, extension.isSingleton);
  const replicas = kind === 'task' ? 1 : replicaCount(name, service, input);
  const isGlobal = kind === 'replica' && service.deploy?.mode === 'global';
  if (isGlobal) checkGlobal(name, mounts, input, remarks);
  checkReplicas(
    name,
    service,
    { replicas, mounts, ports, isSingleton: extension.isSingleton },
    input,
    remarks,
  );
  checkLabels(name, service, input, remarks);
  checkNames(name, service, input, remarks);
  const build = desiredBuild(name, service, extension.buildOn, input, remarks);
  const health = healthRule(service, input.routed[name]?.[0]);
  const [postStart, preStop] = [hooks(service.post_start), hooks(service.pre_stop)];
  const desired: DesiredService = {
    name,
    image: imageName(name, service, build, input),
    ...(build === undefined ? {} : { build }),
    ...(service.platform === undefined ? {} : { platform: service.platform }),
    pull: pullPolicy(service),
    kind,
    replicas,
    ...(isGlobal ? { isGlobal } : {}),
    container: containerSettings(service, kind === 'task'),
    ...(postStart === undefined ? {} : { postStart }),
    ...(preStop === undefined ? {} : { preStop }),
    health,
    mounts,
    ports,
    networks: serviceNetworks(name, service, input.model),
    dependsOn: dependencies(service, input.model),
    placement: {
      constraints: service.deploy?.placement?.constraints ?? [],
      maxPerHost: Number(service.deploy?.placement?.max_replicas_per_node ?? 0),
    },
    update: updateRule(name, 'update_config', service, reason, input, remarks),
    rollback: updateRule(name, 'rollback_config', service, reason, input, remarks),
    drainMs: extension.drainMs,
    stopGraceMs: parseDurationMs(service.stop_grace_period ?? '10s') ?? 10_000,
  };
  return { service: desired, contents, ...(own === undefined ? {} : { certificate: own.certificate }) };
}

/** Whether another service waits for its successful end. */
function isTask(name: string, model: ComposeModel): boolean {
  return Object.values(model.services).some(
    ({ depends_on }) => depends_on?.[name]?.condition === 'service_completed_successfully',
  );
}

function checkGlobal(
  name: string,
  mounts: readonly DesiredMount[],
  input: TranslateInput,
  remarks: Remarks,
): void {
  const path = ['services', name, 'deploy', 'mode'];
  const volume = mounts.find((mount) => mount.kind === 'volume');
  if (volume?.kind === 'volume') {
    const text = `a volume has one host, so a service with "${volume.volume}" cannot run on all`;
    refuse(input, remarks, path, text, 'Remove the volume, or write "mode: replicated".');
  }
  if (input.scale[name] !== undefined)
    refuse(input, remarks, path, 'a global service runs once on every host and cannot be scaled');
}

function replicaCount(name: string, service: ServiceModel, input: TranslateInput): number {
  if (service.deploy?.mode === 'global') return 1;
  return input.scale[name] ?? service.scale ?? service.deploy?.replicas ?? 1;
}

interface Counted {
  readonly replicas: number;
  readonly mounts: readonly DesiredMount[];
  readonly ports: readonly DesiredPort[];
  readonly isSingleton: boolean;
}

function checkReplicas(
  name: string,
  service: ServiceModel,
  counted: Counted,
  input: TranslateInput,
  remarks: Remarks,
): void {
  if (counted.replicas <= 1) return;
  const path = ['services', name, ...(service.scale === undefined ? ['deploy', 'replicas'] : ['scale'])];
  const volume = counted.mounts.find((mount) => mount.kind === 'volume' && !mount.readOnly);
  if (volume?.kind === 'volume') {
    const text = `${counted.replicas} replicas cannot write to one volume, "${volume.volume}"`;
    refuse(input, remarks, path, text, 'Keep one replica, or mount the volume read-only.');
  } else if (counted.isSingleton || service.container_name !== undefined) {
    const why = counted.isSingleton
      ? 'x-seawall says singleton'
      : `it has the container name "${service.container_name}"`;
    refuse(
      input,
      remarks,
      path,
      `there can be one replica only: ${why}`,
      'Keep one replica, or remove what makes it a singleton.',
    );
  } else if (
    counted.ports.some(({ published }) => published !== undefined) &&
    Number(service.deploy?.placement?.max_replicas_per_node) !== 1
  ) {
    const text = `${counted.replicas} replicas cannot publish one fixed port on a host`;
    refuse(
      input,
      remarks,
      path,
      text,
      'Let a route lead to the service, or write "placement: {max_replicas_per_node: 1}".',
    );
  }
}

function checkLabels(name: string, service: ServiceModel, input: TranslateInput, remarks: Remarks): void {
  for (const label of Object.keys(service.labels ?? {})) {
    if (!label.startsWith('seawall.')) continue;
    refuse(
      input,
      remarks,
      ['services', name, 'labels', label],
      'labels that start with "seawall." are written by Seawall',
      'Choose another name.',
    );
  }
}

function healthRule(service: ServiceModel, routedPort: number | undefined): HealthRule {
  if (service.healthcheck?.test !== undefined && !isHealthcheckOff(service)) return { kind: 'docker' };
  if (routedPort !== undefined) return { kind: 'http', port: routedPort, path: '/' };
  const port = firstPort(service);
  return port === undefined ? { kind: 'running' } : { kind: 'tcp', port };
}

function imageName(
  name: string,
  service: ServiceModel,
  build: DesiredBuild | undefined,
  input: TranslateInput,
): string {
  if (service.build === undefined) return service.image ?? '';
  const repository = `${input.model.name}-${name}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `seawall/${repository}:${(build?.sourceHash ?? '').slice(0, 12)}`;
}

function pullPolicy(service: ServiceModel): DesiredService['pull'] {
  if (service.build !== undefined) return 'build';
  const policy = service.pull_policy ?? 'missing';
  if (policy === 'never' || policy === 'missing') return policy;
  return policy === 'build' ? 'missing' : 'always';
}

/** The networks of a service with the further names it answers to: aliases, its container name, links of others to it. */
function serviceNetworks(
  name: string,
  service: ServiceModel,
  model: ComposeModel,
): DesiredService['networks'] {
  const linked = Object.values(model.services).flatMap(({ links }) =>
    (links ?? []).map((link) => link.split(':')),
  );
  const everywhere = linked.flatMap(([target, alias]) =>
    target === name && alias !== undefined ? [alias] : [],
  );
  if (service.container_name !== undefined) everywhere.push(service.container_name);
  const networks = service.networks ?? { default: null };
  const entries = Object.entries(networks).map(([network, settings]) => {
    const aliases = [...new Set([...(settings?.aliases ?? []), ...everywhere])].filter(
      (alias) => alias !== name,
    );
    return [network, { aliases: aliases.sort() }] as const;
  });
  return sorted(Object.fromEntries(entries));
}

function dependencies(service: ServiceModel, model: ComposeModel): DesiredService['dependsOn'] {
  const entries = Object.entries(service.depends_on ?? {}).filter(
    ([other]) => model.services[other] !== undefined,
  );
  return sorted(
    Object.fromEntries(
      entries.map(([other, { condition, required, restart }]) => [
        other,
        { condition, required: required ?? true, restart: restart === true || restart === 'true' },
      ]),
    ),
  );
}
