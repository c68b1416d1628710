/** What the demo writes and prints. Pure. */
import { relative } from 'node:path';

/** Where a demo serves and which files say so. */
export interface Demo {
  /** `http://polls.localhost`, without a slash at the end. */
  readonly address: string;
  /** Files for `--file`, relative to the checkout. */
  readonly files: readonly string[];
  /** 1: this machine's own Docker. More: hosts of a lab. */
  readonly hosts: number;
}

/** What the generated seawall.yml is made from. Paths are absolute. */
export interface OverrideInput {
  readonly example: string;
  /** Folder that the generated files stand in. */
  readonly state: string;
  /** Compose file to lay over the others, such as one that makes builds use the machine's own network. */
  readonly composeOverride?: string;
  /** Network of the agent image's own build. */
  readonly buildNetwork?: string;
  /** File with variables that come after the example's own. */
  readonly variables?: string;
  /** Ports of the edge; left out: 80 and 443. */
  readonly httpPort?: number;
  readonly httpsPort?: number;
  readonly lab?: {
    readonly sshConfig: string;
    readonly hosts: readonly { readonly name: string; readonly address: string }[];
  };
}

/**
 * What only this machine needs, as a seawall.yml to lay over the example's own. With a lab, the first host is the edge,
 * and its address is a route too: a browser needs no name for it. Empty when the example's own file says it all.
 */
export function overrideSettings(input: OverrideInput): Record<string, unknown> {
  const path = (file: string) => relative(input.state, file);
  const own = ['compose.yaml', 'compose.replicas.yaml'].map((name) => path(`${input.example}/${name}`));
  const [front, ...apps] = input.lab?.hosts ?? [];
  const host = (role: string) => (one: { readonly name: string; readonly address: string }) => [
    one.name,
    { ssh: one.name, address: one.address, roles: [role] },
  ];
  return {
    ...(input.composeOverride === undefined ? {} : { compose: [...own, path(input.composeOverride)] }),
    ...(input.variables === undefined
      ? {}
      : { env_file: [path(`${input.example}/.env`), path(input.variables)] }),
    ...(input.buildNetwork === undefined ? {} : { agent: { build_network: input.buildNetwork } }),
    ...edgePorts(input),
    ...(input.lab === undefined || front === undefined
      ? {}
      : {
          ssh_config: path(input.lab.sshConfig),
          hosts: Object.fromEntries([host('edge')(front), ...apps.map(host('app'))]),
          routes: { [front.address]: { service: 'web', port: 8000, tls: 'off' } },
        }),
  };
}

function edgePorts({ httpPort = 80, httpsPort = 443 }: OverrideInput): Record<string, unknown> {
  if (httpPort === 80 && httpsPort === 443) return {};
  return {
    edge: {
      ...(httpPort === 80 ? {} : { http_port: httpPort }),
      ...(httpsPort === 443 ? {} : { https_port: httpsPort }),
    },
  };
}

/** What to try next. Each command is one to copy, in the checkout's folder. */
export function nextSteps({ address, files, hosts }: Demo): string {
  const browser =
    hosts > 1
      ? 'or in a browser on this machine'
      : 'or in a browser on this machine; any *.localhost is this machine';
  return `
The polls application serves at ${address}

  curl ${address}/
      ${browser}

Look further, in this folder:
  export SEAWALL_FILE=${files.join(':')}
  bin/seawall ps                 which replicas there are, where, and how they are
  bin/seawall logs -f web        what they say
  bin/seawall plan               what a deploy would change: nothing
  bin/seawall scale web=${hosts > 1 ? 6 : 3}        more replicas, until the next deploy

A new version, without a lost request:
  sed -i 's/Questions/Good questions/' examples/polls/polls/templates/polls/index.html
  bin/seawall deploy
  bin/seawall rollback           and back

A broken one, and the old one goes on serving:
  echo GUNICORN_CMD_ARGS=--workers=none >> examples/polls/web.env
  bin/seawall deploy
  git checkout examples/polls    undoes both edits

Remove it all:
  npm run demo -- ${hosts > 1 ? `--hosts ${hosts} ` : ''}--down
`;
}
