import { z } from 'zod';
import { parseBytes, parseDurationMs } from '../units.ts';
import { parseListenAddress } from './listen-address.ts';
import { routeTlsSchema, tlsSchema, upstreamTlsSchema } from './tls-schema.ts';

/*
 * The one schema of seawall.yml. Types, the JSON Schema for editors and the reference page come from it. A default in
 * a description's last parentheses is also what the code uses.
 */

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'letters, digits, "_", "." and "-", the first a letter or digit');

const duration = z
  .string()
  .refine((text) => (parseDurationMs(text) ?? -1) >= 0, 'a duration such as 500ms, 30s or 1m30s')
  .meta({ examples: ['30s'] });

const size = z
  .union([z.string(), z.number().int().min(0)])
  .refine((value) => parseBytes(`${value}`) !== undefined, 'a size such as 64M or 4G, or a number of bytes')
  .meta({ examples: ['4G'] });

const PORT = 'a port, from 1 to 65535';
const port = z.number(PORT).int(PORT).min(1, PORT).max(65_535, PORT);

const ipv4 = z.ipv4('an IPv4 address');
const cidr = z.cidrv4('a range such as 203.0.113.0/24');
const addressOrRange = z.union(
  [z.ipv4(), z.cidrv4(), z.ipv6(), z.cidrv6()],
  'an address or a range such as 203.0.113.0/24',
);

const texts = z.union([z.string(), z.array(z.string()).min(1)]);

const roleSchema = z.enum(['app', 'edge']);

const hostSchema = z
  .strictObject({
    ssh: z
      .string()
      .min(1)
      .regex(
        /^[^-\s]\S*$/,
        'a destination as ssh(1) takes it, such as deploy@203.0.113.11 or a Host of your ssh configuration',
      )
      .refine(
        (text) => !/^[^:/]+:\d+$/.test(text),
        'a destination whose port ssh(1) understands, such as ssh://deploy@203.0.113.11:2222',
      )
      .describe(
        'Destination as for ssh(1): `user@host`, `ssh://user@host:port`, or a `Host` of the ssh configuration.',
      ),
    address: ipv4
      .optional()
      .describe(
        'IPv4 address at which the other hosts reach this one. Required when there is more than one host.',
      ),
    roles: z
      .array(roleSchema)
      .min(1)
      .optional()
      .describe(
        'What the host does: `app` runs replicas, `edge` takes requests from outside. (Default: both.)',
      ),
    labels: z
      .record(z.string(), z.string())
      .optional()
      .describe(
        'Free labels for `deploy.placement.constraints`, as in `node.labels.disk == ssd`. (Default: none.)',
      ),
  })
  .describe('One machine with Docker, by the name that commands and plans call it.');

const routeSchema = z
  .strictObject({
    service: z
      .string()
      .optional()
      .describe('Service of the Compose file that answers. Either this or `catalog`.'),
    catalog: z
      .string()
      .min(1, 'a name in the catalog')
      .optional()
      .describe('Name in the catalog, for containers that were started by hand. Either this or `service`.'),
    port: port
      .optional()
      .describe(
        'Port inside the replicas. (Default: the only port that the service names in `ports` or `expose`.)',
      ),
    tls: routeTlsSchema.optional(),
    upstream_tls: upstreamTlsSchema.optional(),
    body_limit: size
      .optional()
      .describe('Largest request body, in bytes or with a unit; `0`: no limit. (Default: 1M.)'),
    connect_timeout: duration
      .optional()
      .describe('How long to wait for a replica to accept a connection. (Default: 2s.)'),
    read_timeout: duration
      .optional()
      .describe('Longest silence of a replica while it answers. (Default: 60s.)'),
    send_timeout: duration
      .optional()
      .describe('Longest silence of a replica while it takes the request. (Default: 60s.)'),
    upstream_keepalive: duration
      .optional()
      .describe(
        'How long an idle connection to a replica is kept; must be shorter than the keep-alive of the app itself. (Default: 1s.)',
      ),
  })
  .describe('Where requests for a domain and path go.');

const shortRoute = z
  .string()
  .regex(/^[A-Za-z0-9._-]+:\d+$/, 'SERVICE:PORT')
  .refine((text) => port.safeParse(Number(/:(\d+)$/.exec(text)?.[1] ?? 1)).success, PORT)
  .describe('Short form `SERVICE:PORT`, for a route without further settings.');

const expose = z
  .record(
    z.string(),
    z.record(z.string().regex(/^\d+(\/(tcp|udp))?$/, 'a port, or PORT/udp'), z.array(addressOrRange).min(1)),
  )
  .describe(
    'Who may reach published ports of services without a route: service → published port → addresses or ranges; `0.0.0.0/0` is everybody. Ports that are not named here are bound to 127.0.0.1.',
  );

export const configSchema = z
  .object({
    compose: texts
      .optional()
      .describe(
        'Compose file, or list of files of which later ones override earlier ones. (Default: those of COMPOSE_FILE, from the environment or `.env`; else the first of compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml, production.yml, together with its override file.)',
      ),
    project: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]*$/, 'lower-case letters, digits, "-" and "_", the first a letter or digit')
      .optional()
      .describe('Name of the project. (Default: `name:` of the Compose file, else the name of its folder.)'),
    env_file: texts
      .optional()
      .describe(
        'Files with variables for `$NAME` in Compose files, later ones first. (Default: `.env` beside the Compose file, if there.)',
      ),
    profiles: z
      .array(z.string())
      .optional()
      .describe(
        'Compose profiles that are active. (Default: those of COMPOSE_PROFILES, from the environment or `.env`.)',
      ),
    ssh_config: z
      .string()
      .optional()
      .describe(
        'An ssh configuration file to use instead of your own; relative to this file. (Default: as ssh(1) finds it.)',
      ),
    hosts: z
      .record(name, hostSchema)
      .optional()
      .describe('The machines. (Default: one host `local`, with both roles: the Docker of this machine.)'),
    routes: z
      .record(z.string(), z.union([routeSchema, shortRoute]))
      .optional()
      .describe('What the edges serve: `DOMAIN` or `DOMAIN/PATH` → service and port. (Default: nothing.)'),
    tls: tlsSchema.optional(),
    expose: expose.optional(),
    network: z
      .strictObject({
        range: cidr
          .optional()
          .describe(
            'Range of private addresses of the cluster, a /12. Fixed at the first `machine setup`. (Default: 10.208.0.0/12, or the next one that no host uses.)',
          ),
        link: z
          .enum(['auto', 'none', 'vxlan', 'wireguard'])
          .optional()
          .describe(
            'What joins the hosts: `wireguard` is encrypted; `vxlan` is not, and refused between public addresses. `auto` is nothing for one host; for several WireGuard when every kernel has it or an address is public, else VXLAN. (Default: auto.)',
          ),
        port: port
          .optional()
          .describe(
            'UDP port of the link, open between the hosts only. (Default: 51820 for WireGuard, 4789 for VXLAN.)',
          ),
      })
      .optional()
      .describe('The private network between the hosts.'),
    edge: z
      .strictObject({
        image: z.string().optional().describe('nginx, version 1.28 or newer. (Default: nginx:1.30.)'),
        http_port: port.optional().describe('Port on which the edges serve plain HTTP. (Default: 80.)'),
        https_port: port.optional().describe('Port on which the edges serve HTTPS. (Default: 443.)'),
        http3: z
          .boolean()
          .optional()
          .describe('HTTP/3 over UDP too, where the nginx image has it. (Default: false.)'),
        trusted_proxies: z
          .array(addressOrRange)
          .optional()
          .describe(
            'Addresses or ranges of load balancers in front, whose word on the client (X-Forwarded-For, or PROXY protocol) is believed. (Default: none.)',
          ),
        proxy_protocol: z
          .boolean()
          .optional()
          .describe(
            "Connections begin with a PROXY protocol header, as HAProxy's `send-proxy` and balancers of clouds write it; needs `trusted_proxies`. (Default: false.)",
          ),
        keepalive_timeout: duration
          .optional()
          .describe(
            'How long an idle connection of a client is kept, at least 5s. Behind a load balancer longer than its own. (Default: 65s.)',
          ),
      })
      .optional()
      .describe(
        'The edges. One setting for the whole cluster: left out, it stays as another project set it.',
      ),
    metrics: z
      .strictObject({
        listen: z
          .array(
            z
              .string()
              .refine(
                (text) => parseListenAddress(text) !== undefined,
                'an address with a port, such as 127.0.0.1:9464 or [::1]:9464',
              ),
          )
          .optional()
          .describe(
            'Where `GET /metrics` is answered, as `ADDRESS:PORT`. Each host listens on those that are its own. An address that is not loopback needs `from`. `[]`: nowhere. (Default: 127.0.0.1:9464.)',
          ),
        from: z
          .array(addressOrRange)
          .min(1)
          .optional()
          .describe(
            'Addresses or ranges that may ask from outside; everybody else is cut off. (Default: nobody.)',
          ),
      })
      .optional()
      .describe(
        'Metrics for Prometheus, on every host. One for the whole cluster: left out, it stays as another project set it. (Default: nothing listens.)',
      ),
    agent: z
      .strictObject({
        base_image: z
          .string()
          .optional()
          .describe('Image with Node that the agent is built on. (Default: node:24-slim.)'),
        build_network: z
          .string()
          .optional()
          .describe(
            "Network for the RUN steps of the agent's build, such as `host`. (Default: Docker's own.)",
          ),
      })
      .optional()
      .describe("Seawall's own container on every host."),
    keep: z
      .strictObject({
        releases: z
          .number()
          .int()
          .min(1)
          .optional()
          .describe('How many releases, with their images, are kept. (Default: 5.)'),
        disk: size
          .optional()
          .describe(
            'Bytes on each host that images of earlier releases may take, such as 10G: older ones go sooner then. The release that serves and the one before it always stay. (Default: no limit.)',
          ),
      })
      .optional()
      .describe('What is kept for a rollback.'),
  })
  .catchall(z.unknown())
  .describe('seawall.yml: what a Compose file cannot say.');

export type ConfigInput = z.infer<typeof configSchema>;
export type RouteInput = z.infer<typeof routeSchema>;
