/**
 * Does what Registrator does on a container's start and end, and no more: it stands in where the program itself cannot be had.
 * Runs on a host in any image with Node 24: `node stand-in.ts DOCKER-SOCKET ADDRESS-OF-HOST CONSUL-HOST CONSUL-PORT`.
 */
import { request } from 'node:http';

const [, , socketPath = '', hostAddress = '', consulHost = '', consulPort = ''] = process.argv;

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { readonly Env: readonly string[] };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostPort: string }[] | null>>;
  };
}

/** One HTTP exchange; gives the body. */
function ask(options: object, body = ''): Promise<string> {
  return new Promise((done, fail) => {
    const call = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => done(text));
    });
    call.on('error', fail);
    call.end(body);
  });
}

async function register(id: string): Promise<void> {
  const container = JSON.parse(await ask({ socketPath, path: `/containers/${id}/json` })) as Inspected;
  const name = container.Config.Env.find((text) => text.startsWith('SERVICE_NAME='))?.slice(13);
  const port = Object.values(container.NetworkSettings.Ports).flatMap((bound) => bound ?? [])[0]?.HostPort;
  if (name === undefined || port === undefined) return;
  const service = { ID: container.Id, Name: name, Port: Number(port), Address: hostAddress };
  const path = '/v1/agent/service/register';
  await ask({ host: consulHost, port: consulPort, method: 'PUT', path }, JSON.stringify(service));
}

async function deregister(id: string): Promise<void> {
  await ask({
    host: consulHost,
    port: consulPort,
    method: 'PUT',
    path: `/v1/agent/service/deregister/${id}`,
  });
}

const filters = JSON.stringify({ type: ['container'], event: ['start', 'die'] });
request({ socketPath, path: `/events?filters=${encodeURIComponent(filters)}` }, (response) => {
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    for (const line of chunk.split('\n').filter(Boolean)) {
      const event = JSON.parse(line) as { readonly Action: string; readonly Actor: { readonly ID: string } };
      const work = event.Action === 'start' ? register(event.Actor.ID) : deregister(event.Actor.ID);
      work.catch((error: unknown) => console.error(error));
    }
  });
}).end();
