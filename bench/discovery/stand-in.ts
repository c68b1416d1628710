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
  const env = new Map(container.Config.Env.map((text) => text.split('=') as [string, string]));
  const name = env.get('SERVICE_NAME');
  const [inside, bound] = Object.entries(container.NetworkSettings.Ports)[0] ?? [];
  const port = bound?.[0]?.HostPort;
  if (name === undefined || inside === undefined || port === undefined) return;
  const own = `SERVICE_${inside.split('/')[0]}_CHECK`;
  // Every 10 s unless the container says otherwise, as Registrator has it (docs/user/services.md).
  const check = env.has(`${own}_TCP`) && {
    Check: { TCP: `${hostAddress}:${port}`, Interval: env.get(`${own}_INTERVAL`) ?? '10s' },
  };
  const service = { ID: container.Id, Name: name, Port: Number(port), Address: hostAddress, ...check };
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
