/** What the tests of the link share: two hosts and a foreign machine, an app on both hosts, and ears on the wire. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bringUpLab } from '../../lab/boot.ts';
import { findHost } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import { labName, labsFolder } from '../lab-name.ts';
import { until } from '../until.ts';

const root = resolve(import.meta.dirname, '../..');
const stateDir = join(labsFolder, 'wire');
/** What every answer of a replica carries, in clear. */
export const MARKER = 'plain-text-marker-4711';
const DOMAIN = 'wires.example';

/** host1 is the edge; both hosts run replicas. */
export const lab: Lab = await bringUpLab({
  ...{ name: labName('wire'), hosts: 2, foreign: true, stateDir, say: () => undefined },
});
mkdirSync(join(stateDir, 'project'), { recursive: true });
export const addressOf = (host: string): string => findHost(lab, host).address;

const SERVER = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ('${MARKER} ' + os.environ['SERVICE'] + ' ' + os.uname().nodename + ' ').encode()
        if self.path == '/large': body = body * 8000
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *rest): pass
http.server.ThreadingHTTPServer(('', 8000), Handler).serve_forever()
`;

const service = (name: string, network: string, deploy: object) => ({
  image: 'python:3.13-slim',
  command: ['python3', '-c', SERVER],
  environment: { SERVICE: name },
  networks: [network],
  expose: ['8000'],
  init: true,
  stop_grace_period: '1s',
  healthcheck: {
    test: ['CMD', 'python3', '-c', 'import socket; socket.create_connection(("127.0.0.1", 8000))'],
    interval: '2s',
  },
  deploy,
});

const compose = {
  name: 'wires',
  services: {
    web: {
      ...service('web', 'front', { replicas: 2, placement: { max_replicas_per_node: 1 } }),
      dns: [addressOf('foreign')],
    },
    vault: service('vault', 'back', { placement: { constraints: ['node.hostname == host2'] } }),
  },
  networks: { front: {}, back: {} },
};

/** Writes the project; addresses are the lab's unless others are given. */
export function writeProject(network: object, addresses: Readonly<Record<string, string>> = {}): void {
  const hosts = ['host1', 'host2'].map((name) => [
    name,
    {
      ssh: name,
      address: addresses[name] ?? addressOf(name),
      roles: name === 'host1' ? ['edge', 'app'] : ['app'],
    },
  ]);
  const settings = {
    ssh_config: lab.sshConfig,
    hosts: Object.fromEntries(hosts),
    network,
    agent: { build_network: 'host' },
    routes: { [DOMAIN]: { service: 'web', port: 8000, tls: 'off' } },
  };
  writeFileSync(join(stateDir, 'project/compose.yaml'), JSON.stringify(compose));
  writeFileSync(join(stateDir, 'project/seawall.yml'), JSON.stringify(settings));
}

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], input = ''): Promise<Finished> {
  const child = spawn(program, args, {
    cwd: join(stateDir, 'project'),
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}

/** Runs `bin/seawall` as a user does; the test fails with its output unless it ends with `code`. */
export async function seawall(code: number, ...args: string[]): Promise<Finished> {
  const finished = await run(join(root, 'bin/seawall'), args);
  assert.equal(finished.code, code, `seawall ${args.join(' ')}\n${finished.stdout}\n${finished.stderr}`);
  return finished;
}

/** Runs a shell script on a machine of the lab, given on its standard input. */
export const onHost = (host: string, script: string): Promise<Finished> =>
  run('ssh', ['-F', lab.sshConfig, host, 'sh', '-s'], script);

/** The same, and its output; the test fails when the script does. */
export async function said(host: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await onHost(host, script);
  assert.equal(code, 0, `${host}: ${script}\n${stdout}${stderr}`);
  return stdout.trim();
}

const replica = (name: string): string =>
  `$(docker ps -q --filter label=seawall.service=${name} --filter label=seawall.kind=replica)`;

/** What a replica gets for a GET: the body, or the name of the error; `TimeoutError` where a door is closed. */
export async function get(host: string, from: string, url: string): Promise<string> {
  const code = [
    'import urllib.request as request, sys',
    'opener = request.build_opener(request.ProxyHandler({}))',
    `try: print(opener.open(${JSON.stringify(url)}, timeout=3).read().decode())`,
    'except Exception as error: print(type(getattr(error, "reason", error)).__name__)',
  ].join('\n');
  return said(host, `docker exec -i ${replica(from)} python3 - <<'END'\n${code}\nEND`);
}

/** The addresses of a name as a replica gets them, sorted; `unknown` when there are none. */
export async function lookUp(host: string, from: string, name: string): Promise<string> {
  // The list, not a connection: the C library prefers the address nearest to its own (RFC 6724 rule 9).
  const code = [
    'import socket',
    `try: print(*sorted({each[4][0] for each in socket.getaddrinfo(${JSON.stringify(name)}, 8000)}))`,
    'except socket.gaierror: print("unknown")',
  ].join('\n');
  return said(host, `docker exec -i ${replica(from)} python3 - <<'END'\n${code}\nEND`);
}

/** The address of a service's replica on a host. */
export const replicaAddress = (host: string, name: string): Promise<string> =>
  said(host, `docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' ${replica(name)}`);

/** One request to the edge: the body, or `undefined` when it failed. */
export async function askEdge(): Promise<string | undefined> {
  const { code, stdout } = await run('curl', [
    '-sf',
    '-m',
    '5',
    '-H',
    `Host: ${DOMAIN}`,
    `http://${addressOf('host1')}/`,
  ]);
  return code === 0 ? stdout : undefined;
}

/** What {@link serveNames} answers for {@link FOREIGN_NAME}. */
export const FOREIGN_ADDRESS = '192.0.2.77';
export const FOREIGN_NAME = 'printer.example';

const NAMES = `
import socket
known = b''.join(bytes([len(part)]) + part.encode() for part in '${FOREIGN_NAME}'.split('.')) + b'\\0'
place = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
place.bind(('${addressOf('foreign')}', 53))
while True:
    query, asker = place.recvfrom(512)
    end = query.index(b'\\0', 12) + 1
    question = query[12:end + 4]
    is_known = query[12:end].lower() == known
    has_answer = is_known and query[end:end + 2] == b'\\0\\1'
    record = b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4' + socket.inet_aton('${FOREIGN_ADDRESS}')
    flags = b'\\x81\\x80' if is_known else b'\\x81\\x83'
    counts = bytes([0, 1, 0, 1 if has_answer else 0, 0, 0, 0, 0])
    place.sendto(query[:2] + flags + counts + question + (record if has_answer else b''), asker)
`;

/** A small name server on the foreign machine, until the lab is taken down: it knows one name. */
export async function serveNames(): Promise<void> {
  const file = '/tmp/names.py';
  await said('foreign', `cat > ${file} <<'END'\n${NAMES}\nEND`);
  await said('foreign', `pkill -f ${file}; setsid python3 ${file} </dev/null >/tmp/names.log 2>&1 &`);
  await until('the name server listens', 20, async () =>
    (await said('foreign', 'cat /proc/net/udp /tmp/names.log')).includes(':0035 '),
  );
}

/** tcpdump takes packets whole, and collects them neither before it takes them nor before it writes them. */
const AT_ONCE = ['--immediate-mode', '-U', '-s', '0'];

/** Bytes that a host sends and receives on its network while `work` runs, as an eavesdropper in the same place has them. */
export async function overhear(host: string, filter: string, work: () => Promise<void>): Promise<Buffer> {
  const name = `seawall-ears-${process.pid}`;
  const ears = spawn('docker', [
    ...['run', '--rm', '--name', name, '--network', `container:${findHost(lab, host).container}`],
    ...['--entrypoint', 'tcpdump', 'seawall-lab/foreign:1', ...AT_ONCE, '-i', 'eth0', '-w', '-', filter],
  ]);
  const heard: Buffer[] = [];
  let messages = '';
  ears.stdout.on('data', (chunk: Buffer) => heard.push(chunk));
  ears.stderr.on('data', (chunk) => (messages += chunk));
  const ended = new Promise((done) => ears.on('close', done));
  try {
    await until('the ears are open', 30, async () => messages.includes('listening on'));
    await work();
    // Packets are handed on at once, but through two pipes.
    const size = () => heard.reduce((sum, { length }) => sum + length, 0);
    await until('something was heard', 30, async () => size() > 1_000);
  } finally {
    await run('docker', ['kill', '--signal', 'INT', name]);
    await ended;
  }
  return Buffer.concat(heard);
}
