import { runCommand } from '../../lab/command.ts';
import { carryImage, onHost } from '../command.ts';
import type { Stage } from '../stage.ts';
import { toolsImage } from '../tools.ts';
import { caddyfile, haproxy, type RivalSettings, tunedNginx, tutorialNginx } from './texts.ts';

/** One proxy under load. */
export interface Contender {
  readonly name: string;
  /** Containers whose CPU is counted: for plain HTTP and with TLS. */
  readonly containers: Readonly<Record<Scheme, string>>;
  readonly ports: Readonly<Record<Scheme, number>>;
}

export type Scheme = 'http' | 'https';

const nginxImage = 'nginx:1.30';
const folder = '/var/lib/bench';
const edgeHost = 'host1';

/** Starts the others beside Seawall's edge, on the same host and network, with the upstreams that Seawall's edge has. */
export async function startContenders(stage: Stage, domain: string): Promise<readonly Contender[]> {
  const { lab } = stage;
  await carryImage(lab, edgeHost, toolsImage);
  const own = await onHost(lab, edgeHost, 'cat /var/lib/seawall/edge/current/nginx.conf');
  const upstreams = upstreamsOf(own);
  const settings = (index: number): RivalSettings => {
    return { upstreams, domain, folder, httpPort: 8081 + index, httpsPort: 8441 + index };
  };
  await onHost(lab, edgeHost, `mkdir -p ${folder} && chmod 0777 ${folder}`);
  await putCertificate(stage, domain);
  // Open files as far as Docker allows, as Seawall's edge has them.
  const inShell = (image: string, command: string) => (file: string) => {
    return [image, 'sh', '-c', `ulimit -n "$(ulimit -Hn)"; exec ${command}`, 'sh', file];
  };
  const nginx = inShell(nginxImage, 'nginx -c "$1" -g "daemon off;"');
  const proxy = inShell(toolsImage, 'haproxy -f "$1" >"$1.log"');
  const caddy = inShell(toolsImage, 'caddy run --adapter caddyfile --config "$1"');
  const started = [
    await start(stage, 'tutorial', settings(0), tutorialNginx, nginx),
    await start(stage, 'tuned', settings(1), tunedNginx, nginx),
    await start(stage, 'haproxy', settings(2), haproxy, proxy),
    await start(stage, 'caddy', settings(3), caddyfile, caddy),
  ];
  const edge = 'seawall-edge';
  return [
    { name: 'seawall', containers: { http: edge, https: edge }, ports: { http: 80, https: 443 } },
    ...started,
  ];
}

/** The replicas' addresses in a configuration of Seawall's edge. */
function upstreamsOf(text: string): readonly string[] {
  const found = [...text.matchAll(/^\s*server (\d+\.\d+\.\d+\.\d+:\d+)/gm)].map(
    ([, address = '']) => address,
  );
  if (found.length === 0) throw new Error('the edge has no replica in its configuration');
  return [...new Set(found)];
}

async function start(
  { lab }: Stage,
  name: string,
  settings: RivalSettings,
  render: (settings: RivalSettings) => string,
  argv: (file: string) => readonly string[],
): Promise<Contender> {
  const file = `${folder}/${name}.conf`;
  const container = `bench-${name}`;
  await onHost(lab, edgeHost, `cat >${file}`, render(settings));
  const options = ['--network', 'host', '-v', `${folder}:${folder}`];
  const run = ['docker', 'run', '-d', '--name', container, ...options, ...argv(file)];
  // ssh joins its arguments: each is quoted for the shell on the host.
  const script = `docker rm -f ${container} >/dev/null 2>&1; exec ${run.map(quoted).join(' ')}`;
  await onHost(lab, edgeHost, script);
  return {
    name,
    containers: { http: container, https: container },
    ports: { http: settings.httpPort, https: settings.httpsPort },
  };
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** One certificate (ECDSA P-256) for all others; Seawall's is of the same kind. */
async function putCertificate({ lab }: Stage, domain: string): Promise<void> {
  const make = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" -keyout /tmp/key -out /tmp/cert 2>/dev/null && cat /tmp/key /tmp/cert`;
  const pem = await runCommand('docker', ['run', '--rm', toolsImage, 'sh', '-c', make, 'sh', domain]);
  const script = `cd ${folder} && cat >both.pem && openssl pkey -in both.pem -out key.pem && openssl x509 -in both.pem -out cert.pem && chmod 0644 *.pem`;
  await onHost(lab, edgeHost, script, `${pem}\n`);
}

/** Removes what {@link startContenders} started. */
export async function stopContenders({ lab }: Stage): Promise<void> {
  await onHost(
    lab,
    edgeHost,
    `docker ps -aq --filter name=^bench- | xargs -r docker rm -f >/dev/null; rm -rf ${folder}`,
  );
}
