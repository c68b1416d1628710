import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../lab/command.ts';
import { carryImage, onHost } from '../command.ts';
import type { Stage } from '../stage.ts';
import { buildChainImage, type Programs } from './programs.ts';

/** Port of the chain's nginx on host1, and of its Consul. */
export const chainPort = 8090;
const consulPort = 8510;
const folder = '/var/lib/bench-chain';

/** As the tutorials have it: an upstream from the catalog, and a server that leads nowhere while there is none. */
const template = `upstream app {
  least_conn;
  {{range service "theirs"}}server {{.Address}}:{{.Port}} max_fails=3 fail_timeout=60 weight=1;
  {{else}}server 127.0.0.1:65535; # force a 502{{end}}
}
server {
  listen ${chainPort} default_server;
  location / {
    proxy_pass http://app;
  }
}
`;

const nginxConf = `user nginx;
worker_processes auto;
pid /run/chain.pid;
error_log stderr error;
events { worker_connections 768; }
http { include ${folder}/conf.d/*.conf; }
`;

/**
 * Starts Consul, consul-template and nginx on host1 and Registrator, or what stands in for it, on host2.
 * @param agentImage an image with Node for the stand-in.
 */
export async function startChain(stage: Stage, programs: Programs, agentImage: string): Promise<void> {
  const { lab, address } = stage;
  const image = await buildChainImage(programs);
  await Promise.all([carryImage(lab, 'host1', image), carryImage(lab, 'host2', image)]);
  await onHost(lab, 'host1', `mkdir -p ${folder}/conf.d && cat >${folder}/app.ctmpl`, template);
  await onHost(lab, 'host1', `cat >${folder}/nginx.conf`, nginxConf);
  const consul = `consul agent -server -bootstrap-expect=1 -data-dir=/tmp/consul -bind=${address('host1')} -client=${address('host1')} -http-port=${consulPort} -dns-port=-1 -serf-lan-port=8511 -serf-wan-port=-1 -server-port=8512 -log-level=err`;
  const templated = `until [ -e ${folder}/conf.d/app.conf ]; do sleep 0.2; done; nginx -c ${folder}/nginx.conf -g "daemon off;"`;
  const render = `consul-template -consul-addr=${address('host1')}:${consulPort} -template="${folder}/app.ctmpl:${folder}/conf.d/app.conf:nginx -s reload -c ${folder}/nginx.conf || true"`;
  const shared = `--network host -v ${folder}:${folder}`;
  await onHost(
    lab,
    'host1',
    `docker run -d --name bench-consul ${shared} ${image} ${consul}
docker run -d --name bench-chain ${shared} ${image} sh -c '${render} & ${templated}'`,
  );
  await startRegistrator(stage, programs, image, agentImage);
  const url = `http://${address('host1')}:${chainPort}/`;
  // 502: nginx is there and knows of no container.
  const wait = `for i in $(seq 300); do [ "$(curl -s -o /dev/null -w '%{http_code}' ${url})" = 502 ] && exit 0; sleep 0.2; done; docker logs bench-chain >&2; exit 1`;
  await onHost(lab, 'host1', wait);
}

async function startRegistrator(
  { lab, address }: Stage,
  programs: Programs,
  image: string,
  agentImage: string,
): Promise<void> {
  const options = '-d --name bench-registrator --network host -v /var/run/docker.sock:/tmp/docker.sock';
  if (programs.registrator !== undefined) {
    const consul = `consul://${address('host1')}:${consulPort}`;
    const argv = `registrator -internal=false -ip ${address('host2')} ${consul}`;
    await onHost(lab, 'host2', `docker run ${options} ${image} ${argv}`);
    return;
  }
  const program = readFileSync(join(import.meta.dirname, 'stand-in.ts'), 'utf8');
  await onHost(lab, 'host2', `mkdir -p ${folder} && cat >${folder}/stand-in.ts`, program);
  const argv = `${folder}/stand-in.ts /tmp/docker.sock ${address('host2')} ${address('host1')} ${consulPort}`;
  const mount = `-v ${folder}:${folder}`;
  await onHost(
    lab,
    'host2',
    `docker run ${options} --user 0 ${mount} --entrypoint node ${agentImage} ${argv}`,
  );
}

/** Removes what {@link startChain} started. */
export async function stopChain({ lab }: Stage): Promise<void> {
  for (const host of ['host1', 'host2'])
    await onHost(
      lab,
      host,
      `docker ps -aq --filter name=^bench- | xargs -r docker rm -f >/dev/null; rm -rf ${folder}`,
    );
  await runCommand('docker', ['image', 'rm', '--force', 'seawall-bench/chain:1']);
}
