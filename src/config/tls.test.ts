import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { makePair } from '../../test/certificates.ts';
import { makeRoot } from '../../test/test-certificates.ts';
import { sha256 } from '../hash.ts';
import { cleanRevocationLists } from '../revocation-text.ts';
import { loadProject } from './load.ts';

const root = await mkdtemp(join(tmpdir(), 'seawall-tls-'));
after(() => rm(root, { recursive: true, force: true }));

const compose = 'services: {web: {image: a, expose: [80]}, api: {image: b, expose: [80]}}';
const pair = await makePair(['www.shop.org', '*.shop.org'], { days: 90 });
const other = await makePair(['www.shop.org'], { days: 90 });
const given = await makePair(['given.example.com'], { days: 90 });
let made = 0;

async function load(config: string | object, files: Readonly<Record<string, string>> = {}, env = {}) {
  const cwd = join(root, `p${made++}`);
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  for (const [name, content] of Object.entries({ 'compose.yaml': compose, 'seawall.yml': text, ...files })) {
    await mkdir(dirname(join(cwd, name)), { recursive: true });
    await writeFile(join(cwd, name), content);
  }
  return loadProject({ files: [], cwd, env });
}

const words = async (...args: Parameters<typeof load>): Promise<string[]> =>
  (await load(...args)).problems.map(
    ({ severity, line, column, path, message, remedy }) =>
      `${severity === 'warning' ? 'warning ' : ''}${line}:${column} ${path}: ${message} → ${remedy}`,
  );

test('a route with a public domain is HTTPS with nothing further to say', async () => {
  const { value, problems } = await load(
    'routes: {www.shop.org: {service: web}, www.shop.org/api: {service: api}}',
  );
  assert.deepEqual(problems, []);
  const hsts = { maxAgeSeconds: 15_552_000, subdomains: false, preload: false };
  for (const route of value?.desired.routes ?? [])
    assert.deepEqual(route.tls, { certificate: 'www.shop.org', redirect: true, hsts });
  assert.deepEqual(value?.desired.certificates, [
    {
      id: 'www.shop.org',
      names: ['www.shop.org'],
      source: 'acme',
      issuers: [
        {
          name: 'letsencrypt',
          directory: 'https://acme-v02.api.letsencrypt.org/directory',
          staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
        },
      ],
      challenge: 'http',
      keys: ['ecdsa'],
    },
  ]);
});

test('routes of a domain share what one of them says', async () => {
  const { value } = await load(
    'routes: {shop.test: {service: web}, shop.test/api: {service: api, tls: internal}}',
  );
  assert.deepEqual(
    value?.desired.certificates?.map(({ id, source }) => [id, source]),
    [['shop.test', 'internal']],
  );
});

test('settings of a route go before those of the file, issuer by issuer', async () => {
  const { value, problems } = await load({
    tls: {
      email: 'ops@shop.org',
      profile: 'tlsserver',
      key: 'both',
      issuers: [
        'letsencrypt',
        { directory: 'https://ca.example.net/dir', profile: 'short', email: 'a@b.example' },
      ],
    },
    routes: {
      'www.shop.org': 'web:80',
      'a.shop.org': {
        service: 'web',
        tls: { key: 'rsa', names: ['B.shop.org'], redirect: false, hsts: 'off' },
      },
      'c.shop.org': { service: 'web', tls: 'staging' },
    },
  });
  assert.deepEqual(problems, []);
  const [a, c, www] = value?.desired.certificates ?? [];
  assert.deepEqual(a?.names, ['a.shop.org', 'b.shop.org']);
  assert.deepEqual(a?.keys, ['rsa']);
  assert.deepEqual(www?.keys, ['ecdsa', 'rsa']);
  assert.deepEqual(
    www?.issuers.map(({ name, email, profile }) => [name, email, profile]),
    [
      ['letsencrypt', 'ops@shop.org', 'tlsserver'],
      ['ca.example.net', 'a@b.example', 'short'],
    ],
  );
  assert.deepEqual(
    c?.issuers.map(({ name, directory, staging }) => [name, directory, staging]),
    [['letsencrypt-staging', 'https://acme-staging-v02.api.letsencrypt.org/directory', undefined]],
  );
  assert.deepEqual(value?.desired.routes[0]?.tls, {
    certificate: 'a.shop.org',
    redirect: false,
    hsts: 'off',
  });
});

test('routes that name a wildcard share one certificate by DNS', async () => {
  const { value, problems } = await load(
    {
      tls: { dns: { exec: 'dns.sh', env: { A: 'x', TOKEN: null } }, challenge: 'http' },
      routes: {
        'a.shop.org': { service: 'web', tls: { wildcard: '*.shop.org', names: ['shop.org'] } },
        'shop.org': { service: 'web', tls: { wildcard: '*.shop.org', names: ['shop.org'] } },
        'b.shop.org': { service: 'web', tls: { wildcard: '*.shop.org' } },
        'plain.org': 'web:80',
      },
    },
    { 'dns.sh': 'echo hidden' },
    { TOKEN: 'hunter2' },
  );
  assert.deepEqual(problems, []);
  const [wildcard, plain] = value?.desired.certificates ?? [];
  assert.deepEqual(
    [wildcard?.id, wildcard?.names, wildcard?.challenge],
    ['_wildcard.shop.org', ['*.shop.org', 'shop.org'], 'dns'],
  );
  assert.deepEqual([plain?.challenge, plain?.dns], ['http', undefined]);
  const hook = value?.desired.certificateSecrets?.[wildcard?.dns ?? ''] ?? '';
  assert.deepEqual(JSON.parse(hook), {
    kind: 'exec',
    script: 'echo hidden',
    env: { A: 'x', TOKEN: 'hunter2' },
  });
  assert.equal(wildcard?.dns, sha256(hook));
});

test('secrets of certificates stand apart and nowhere else', async () => {
  const { value, problems } = await load(
    {
      tls: {
        issuers: [{ directory: 'https://ca.example.net/dir', eab: { key_id: 'k', key_file: 'eab' } }],
        dns: { rfc2136: { server: 'ns1.shop.org', key_name: 'seawall', key_file: 'tsig' } },
      },
      routes: {
        'a.shop.org': 'web:80',
        'www.shop.org': { service: 'web', tls: { certificate: 'c/www.pem', key: 'c/www.key' } },
        'h.shop.org': {
          service: 'web',
          tls: { dns: { webhook: 'https://hook.example.net/', token_file: 'token' } },
        },
      },
    },
    {
      eab: 'SECRETeab\n',
      tsig: 'SECRETtsig==\n',
      token: 'SECRETtoken\n',
      'c/www.pem': pair.chain,
      'c/www.key': pair.key,
    },
  );
  assert.deepEqual(problems, []);
  assert.equal(Object.keys(value?.desired.certificateSecrets ?? {}).length, 4);
  const rest = JSON.stringify({ ...value, desired: { ...value?.desired, certificateSecrets: {} } });
  assert.doesNotMatch(rest, /SECRET|PRIVATE KEY/);
  const given = value?.desired.certificates?.find(({ id }) => id === 'www.shop.org');
  assert.deepEqual(given?.names, ['www.shop.org', '*.shop.org']);
  assert.deepEqual([given?.source, given?.issuers, given?.challenge], ['files', [], 'http']);
});

const wrong: Record<string, { config: string | object; files?: Record<string, string>; problems: string[] }> =
  {
    'a name that no public CA issues for': {
      config:
        'routes:\n  polls.localhost: web:80\n  intranet: {service: web}\n  db.internal: {service: web, tls: staging}',
      problems: ['polls.localhost', 'intranet', 'db.internal'].map(
        (name, at) =>
          `${at + 2}:3 routes${name === 'intranet' ? '.intranet' : `["${name}"]`}: no public CA issues certificates for ${name}: it is no name of the public DNS → Write tls: internal (HTTPS with the cluster's own CA, which your clients have to be told to trust: seawall ca export), or tls: off (plain HTTP).`,
      ),
    },
    'an address as domain': {
      config: 'routes:\n  10.0.0.1: {service: web, tls: internal}',
      problems: [
        '2:3 routes["10.0.0.1"]: an address cannot be served over HTTPS: clients do not say it in the handshake → Use a domain, or write tls: off.',
      ],
    },
    'routes of one domain that differ': {
      config:
        'routes:\n  a.shop.org: {service: web, tls: off}\n  a.shop.org/x: {service: api, tls: internal}',
      problems: [
        '3:37 routes["a.shop.org/x"].tls: the route "a.shop.org" says something else for a.shop.org → Routes of one domain share certificate and port: say it in one of them only.',
      ],
    },
    'preloading without subdomains, or for less than a year': {
      config:
        'tls:\n  hsts: {preload: true}\nroutes:\n  a.shop.org: web:80\n  b.shop.org: {service: web, tls: {hsts: {max_age: 90d, subdomains: true, preload: true}}}',
      problems: [
        '2:10 tls.hsts.preload: browsers only preload a domain together with all names below it → Write hsts: { max_age: 730d, subdomains: true, preload: true }, or leave "preload" out.',
        '5:75 routes["b.shop.org"].tls.hsts.preload: browsers only preload a max_age of 365d or more → Write hsts: { max_age: 730d, subdomains: true, preload: true }, or leave "preload" out.',
      ],
    },
    'a wildcard without DNS, and one that is not for the domain': {
      config:
        'routes:\n  a.shop.org: {service: web, tls: {wildcard: "*.shop.org"}}\n  a.b.shop.org: {service: web, tls: {wildcard: "*.shop.org", dns: {webhook: "https://h.example.net"}}}',
      problems: [
        '2:46 routes["a.shop.org"].tls.wildcard.challenge: nothing says how records get into the DNS → Add "dns:" with "exec", "webhook" or "rfc2136".',
        '3:48 routes["a.b.shop.org"].tls.wildcard: *.shop.org is not for a.b.shop.org: a wildcard stands for exactly one label → Write "*.b.shop.org", or add names: [a.b.shop.org].',
      ],
    },
    'files that are not there, too large or of another kind': {
      config:
        'tls:\n  issuers: [{directory: "https://ca.example.net/d", ca: gone.pem}]\nroutes:\n  a.shop.org: {service: web, tls: {client_ca: no.pem, issuers: [letsencrypt]}}\n  b.shop.org: {service: web, upstream_tls: {ca: big.pem}, tls: off}',
      files: { 'no.pem': 'x', 'big.pem': 'x'.repeat(300_000) },
      problems: [
        '2:57 tls.issuers[0].ca: gone.pem cannot be read → Name a file that is there; paths are relative to seawall.yml.',
        '4:47 routes["a.shop.org"].tls.client_ca: no.pem holds no certificate that can be read → It must be PEM: -----BEGIN CERTIFICATE-----',
        '5:49 routes["b.shop.org"].upstream_tls.ca: big.pem is larger than 256 KiB → Name the file that is meant.',
      ],
    },
    'a given certificate that does not fit': {
      config:
        'routes:\n  www.shop.org: {service: web, tls: {certificate: a.pem, key: b.key}}\n  other.org: {service: web, tls: {certificate: a.pem, key: a.key}}\n  x.shop.org: {service: web, tls: {certificate: a.pem}}\n  y.shop.org: {service: web, tls: {certificate: a.pem, key: a.key, names: [z.org]}}',
      files: { 'a.pem': pair.chain, 'a.key': pair.key, 'b.key': other.key },
      problems: [
        '2:51 routes["www.shop.org"].tls.certificate: a.pem: the key belongs to another certificate → Name the key that it was made with.',
        '3:48 routes["other.org"].tls.certificate: a.pem is for www.shop.org, *.shop.org, not for other.org → Name the file that is.',
        '4:36 routes["x.shop.org"].tls.certificate: there is no "key" to the certificate → Add key: with its file.',
        '5:68 routes["y.shop.org"].tls.names: "names" is for certificates that are ordered → Remove it, or "certificate".',
      ],
    },
    'words that are none of the forms': {
      config:
        'tls: {email: nobody, key: dsa, issuers: [buypass, {directory: "http://x.example"}], hsts: on}\nroutes:\n  a.shop.org: {service: web, tls: on}\n  b.shop.org: {service: web, tls: {key: ed25519, hsst: off}}',
      problems: [
        '1:14 tls.email: must be an e-mail address → undefined',
        '1:27 tls.key: must be "ecdsa" or "rsa" or "both" → undefined',
        '1:42 tls.issuers[0]: must be "letsencrypt" or "letsencrypt-staging" or "internal", or a map → undefined',
        '1:63 tls.issuers[1].directory: must be an address such as https://acme.example.com/directory → undefined',
        '1:91 tls.hsts: must be "off", or a map → undefined',
        '3:35 routes["a.shop.org"].tls: must be "off" or "internal" or "staging", or a map → undefined',
        '4:50 routes["b.shop.org"].tls.hsst: there is no key "hsst" here; did you mean "hsts"? → Write "hsts:".',
      ],
    },
    'a key that is a kind of none': {
      config: 'routes:\n  b.shop.org: {service: web, tls: {key: ed25519}}',
      problems: [
        '2:41 routes["b.shop.org"].tls.key: "ed25519" is no kind of key, and there is no "certificate" to it → For a given key add "certificate:"; else write ecdsa, rsa or both.',
      ],
    },
    'issuers that do not go together': {
      config:
        'tls: {issuers: [internal, letsencrypt]}\nroutes: {a.shop.org: web:80, b.shop.org: {service: web, tls: {issuers: [letsencrypt, letsencrypt]}}}',
      problems: [
        '1:16 tls.issuers: "internal" stands alone: the private CA serves by itself until an issuer has given a certificate → Write issuers: [internal], or leave it out.',
        '2:86 routes["b.shop.org"].tls.issuers[1]: this issuer is in the list already → Keep one of them.',
      ],
    },
    'DNS hooks that are none, several or incomplete': {
      config:
        'tls: {dns: {exec: a.sh, webhook: "https://h.example.net"}}\nroutes:\n  a.shop.org: {service: web, tls: {dns: {env: {A: b}}}}\n  b.shop.org: {service: web, tls: {dns: {exec: a.sh, env: {LOST: }}}}\n  c.shop.org: {service: web, tls: {dns: {webhook: "http://h.example.net", token_file: a.sh}}}\n  d.shop.org: {service: web, tls: {dns: {rfc2136: {server: ns, key_name: k, key_file: a.sh}}}}',
      files: { 'a.sh': 'true; true' },
      problems: [
        '1:12 tls.dns: records get into the DNS in one way → Write one of "exec", "webhook" and "rfc2136".',
        '3:41 routes["a.shop.org"].tls.dns: nothing says how records get into the DNS → Write one of "exec", "webhook" and "rfc2136".',
        '4:66 routes["b.shop.org"].tls.dns.env.LOST: the variable LOST is not set where this command runs → Set it (export LOST=…), or write its value.',
        '5:51 routes["c.shop.org"].tls.dns.webhook: a token would go over the network in clear → Write an https:// address, or leave "token_file" out.',
        '6:87 routes["d.shop.org"].tls.dns.rfc2136.key_file: the file does not hold a key in base64 alone → Put there what stands after "secret" in the key file of the name server, without quotes.',
      ],
    },
    'rules of the edge that contradict each other': {
      config:
        'edge: {http_port: 443, proxy_protocol: true, http3: true, trusted_proxies: [], keepalive_timeout: 1s}',
      problems: [
        '1:19 edge.http_port: plain HTTP and HTTPS cannot have one port → Give each its own.',
        '1:40 edge.proxy_protocol: nobody is trusted to say who the client is → Add trusted_proxies: with the addresses of the load balancer: anybody else could invent clients.',
        '1:53 edge.http3: HTTP/3 comes over UDP, which PROXY protocol does not go with → Switch one of them off.',
        '1:99 edge.keepalive_timeout: it must be at least 5s → Such as 65s, the default: with less, requests would be cut when the configuration changes.',
      ],
    },
  };

for (const [name, { config, files, problems }] of Object.entries(wrong)) {
  test(`${name}: the problem says what to write`, async () => {
    assert.deepEqual(await words(config, files), problems);
  });
}

test('a given certificate that ends soon is a warning, one that has ended an error', async () => {
  const config = 'routes:\n  a.org: {service: web, tls: {certificate: a.pem, key: a.key}}';
  const soon = await makePair(['a.org'], { days: 10 });
  const ended = await makePair(['a.org'], { days: -1 });
  const [warning = ''] = await words(config, { 'a.pem': soon.chain, 'a.key': soon.key });
  assert.match(
    warning,
    /^warning 2:44 routes\["a\.org"\]\.tls\.certificate: a\.pem expires on .*Z → Have it renewed/,
  );
  const [error = ''] = await words(config, { 'a.pem': ended.chain, 'a.key': ended.key });
  assert.match(error, /^2:44 .*: a\.pem: it expired on .*Z → Have it renewed by whoever issued it\.$/);
});

test('trusted proxies are ranges, whichever way they are written', async () => {
  const { value } = await load(
    'edge: {https_port: 8443, trusted_proxies: [10.0.0.9, "2001:db8::1", 10.0.0.0/8, 10.0.0.9/32]}\ntls: {policy: modern}',
  );
  assert.deepEqual(value?.config.edge.rules, {
    httpsPort: 8443,
    tlsPolicy: 'modern',
    http3: false,
    trustedProxies: ['10.0.0.0/8', '10.0.0.9/32', '2001:db8::1/128'],
    proxyProtocol: false,
    keepaliveMs: 65_000,
  });
});

const HOSTILE = [
  '; rm -rf /',
  '$(id)',
  'a\nb',
  '-x',
  '',
  '\u0000',
  '../../etc/passwd',
  "'",
  '"',
  '*.*',
  'ä.org',
  '{}',
];

test('the annotated example means something when its files are there', async () => {
  const example = await readFile(join(import.meta.dirname, '../../docs/seawall.example.yml'), 'utf8');
  const pem = pair.chain;
  const { problems, value } = await load(example.replaceAll('\n  # given.', '\n  given.'), {
    'compose.production.yaml': 'services: {web: {expose: [8000]}, db: {image: c, ports: ["5432:5432"]}}',
    ...{
      '.env': '',
      '.env.production': '',
      ssh_config: '',
      'hooks/dns.sh': 'true',
      'secrets/eab.key': 'a2V5',
    },
    ...{ 'certs/old-app-ca.pem': pem, 'certs/clients.pem': pem, 'certs/acme-ca.pem': pem },
    ...{ 'certs/given.pem': given.chain, 'certs/given.key': given.key },
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    value?.desired.certificates?.map(({ id, source }) => `${id} ${source}`),
    [
      '_wildcard.example.com acme',
      'given.example.com files',
      'polls.example.com acme',
      'polls.localhost internal',
      'trial.example.com acme',
    ],
  );
});

const HOSTILE_KEYS = {
  tls: ['email', 'profile', 'key', 'challenge', 'policy', 'hsts', 'dns', 'issuers'],
  route: ['wildcard', 'client_ca', 'certificate', 'names', 'key', 'redirect', 'hsts', 'dns', 'issuers'],
  upstream: ['ca', 'server_name'],
  edge: ['https_port', 'http3', 'trusted_proxies', 'proxy_protocol', 'keepalive_timeout'],
  dns: ['exec', 'env', 'webhook', 'token_file', 'rfc2136'],
  issuer: ['directory', 'name', 'staging', 'ca', 'eab', 'profile', 'email'],
} as const;

function configWith(where: keyof typeof HOSTILE_KEYS, part: object): object {
  const route = { service: 'web' };
  const routes = { 'a.shop.org': route };
  switch (where) {
    case 'tls':
      return { tls: part, routes };
    case 'route':
      return { routes: { 'a.shop.org': { ...route, tls: part } } };
    case 'upstream':
      return { routes: { 'a.shop.org': { ...route, upstream_tls: part } } };
    case 'edge':
      return { edge: part, routes };
    case 'dns':
      return { tls: { challenge: 'dns', dns: part }, routes };
    case 'issuer':
      return { tls: { issuers: [{ directory: 'https://ca.example.net/d', ...part }] }, routes };
  }
}

test('a hostile value of any key is a problem with its place or plain text, never a crash', async () => {
  const keys = Object.entries(HOSTILE_KEYS).flatMap(([where, names]) =>
    names.map((name) => [where as keyof typeof HOSTILE_KEYS, name] as const),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...keys),
      fc.oneof(fc.constantFrom(...HOSTILE), fc.string(), fc.jsonValue()),
      async ([where, key], value) => {
        const { value: loaded, problems } = await load(configWith(where, { [key]: value }));
        assert.equal(
          loaded === undefined,
          problems.some(({ severity }) => severity !== 'warning'),
        );
        for (const { line, column } of problems) assert.ok(line >= 1 && column >= 1);
      },
    ),
    { numRuns: 150 },
  );
});

test('clients may be those of the private CA; a file of CAs may have lists beside it', async () => {
  const list = await (await makeRoot()).revoke([]);
  const files = { 'ca.pem': pair.chain, 'crl.pem': `noise\n${list}` };
  const of = async (tls: object) => {
    const { value } = await load(
      { routes: { 'a.internal': { service: 'web', tls: { issuers: ['internal'], ...tls } } } },
      files,
    );
    const found = value?.desired.routes[0]?.tls;
    return found === 'off' || found === undefined ? undefined : [found.clientCa, found.clientCrl];
  };
  assert.deepEqual(await of({ client_ca: 'internal' }), ['internal', undefined]);
  assert.deepEqual(await of({ client_ca: 'ca.pem' }), [pair.chain, undefined]);
  const [ca, lists] = (await of({ client_ca: 'ca.pem', client_crl: 'crl.pem' })) ?? [];
  assert.equal(ca, pair.chain);
  assert.equal(lists, cleanRevocationLists(list));
});

for (const [what, tls, problem] of [
  ['without CAs', { client_crl: 'crl.pem' }, 'no client certificates are asked for'],
  [
    'of the private CA',
    { client_ca: 'internal', client_crl: 'crl.pem' },
    'the private CA has lists of its own',
  ],
  [
    'that are none',
    { client_ca: 'ca.pem', client_crl: 'ca.pem' },
    'ca.pem holds no revocation list that can be read',
  ],
] as const) {
  test(`revocation lists ${what} are refused`, async () => {
    const files = { 'ca.pem': pair.chain };
    const { problems } = await load(
      { routes: { 'a.internal': { service: 'web', tls: { issuers: ['internal'], ...tls } } } },
      files,
    );
    assert.deepEqual(
      problems.map(({ path, message }) => [path, message]),
      [['routes["a.internal"].tls.client_crl', problem]],
    );
  });
}
