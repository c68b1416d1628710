import type { DesiredPort } from '../desired.ts';
import type { PortModel, ServiceModel } from '../model.ts';
import type { Remarks, TranslateInput } from './input.ts';
import { notice, refuse } from './remark.ts';

/** Ports that replicas publish on their host. Those of a routed service are the edge's, unless `expose:` names them. */
export function servicePorts(
  name: string,
  service: ServiceModel,
  input: TranslateInput,
  remarks: Remarks,
): readonly DesiredPort[] {
  const expose = input.expose[name] ?? {};
  const isRouted = (input.routed[name] ?? []).length > 0;
  const ports: DesiredPort[] = [];
  for (const [index, port] of (service.ports ?? []).entries()) {
    const path = ['services', name, 'ports', index];
    const protocol = port.protocol === 'udp' ? 'udp' : 'tcp';
    const allow = allowed(port, protocol, expose);
    const shown = port.published ?? 'any';
    if (isRouted && protocol === 'tcp' && allow.length === 0) {
      const text = `port ${port.target} is not published on the hosts: the service is routed, and the edges serve it`;
      notice(input, remarks, path, text);
    } else if (shown.includes('-')) {
      const text = `a free port out of ${shown} cannot be chosen on several hosts`;
      refuse(input, remarks, path, text, 'Write one port.');
    } else {
      const text = `port ${shown} is bound to 127.0.0.1 of its host; name it under "expose: {${name}: …}" in seawall.yml to let others in`;
      if (allow.length === 0 && port.host_ip !== '127.0.0.1') notice(input, remarks, path, text);
      const published = port.published === undefined ? {} : { published: Number(port.published) };
      const hostAddress = allow.length > 0 ? '0.0.0.0' : '127.0.0.1';
      ports.push({ target: port.target, ...published, protocol, hostAddress, allow });
    }
  }
  return ports;
}

function allowed(
  port: PortModel,
  protocol: string,
  expose: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  const number = port.published ?? `${port.target}`;
  const named = expose[`${number}/${protocol}`] ?? (protocol === 'tcp' ? expose[number] : undefined);
  return [...(named ?? [])].sort();
}

/** The first TCP port that a service names in `ports` or `expose`. */
export function firstPort(service: ServiceModel): number | undefined {
  return tcpPorts(service)[0];
}

/** Every TCP port inside the container that a service names in `ports` or `expose`, once each. */
export function tcpPorts(service: ServiceModel): readonly number[] {
  const published = (service.ports ?? [])
    .filter((port) => (port.protocol ?? 'tcp') === 'tcp')
    .map((port) => port.target);
  const exposed = (service.expose ?? [])
    .filter((text) => /^\d+(\/tcp)?$/.test(text))
    .map((text) => Number.parseInt(text, 10));
  return [...new Set([...published, ...exposed])];
}
