import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { LoadClient } from './client.ts';
import { KINDS, type Kind, reportText } from './report.ts';

const usage = `node test/e2e/load/main.ts --url http[s]://ADDRESS[:PORT] [--trust PEM-FILE] [--also ADDRESS,…] [--host-header NAME] [--service web] [--rate 120] [--seconds 60]
  [--versions v1,v2] [--api-versions v1,v2] [--mix get=60,idle=5,post=20,slow=3,api=2,h2=20] [--json FILE]
Ends by itself after --seconds (at most 1800), on SIGINT or SIGTERM. Exit code 1: a request failed.`;

const longestSeconds = 1800;
const defaultMix = 'get=70,idle=5,post=22,slow=3';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    trust: { type: 'string' },
    also: { type: 'string', default: '' },
    'host-header': { type: 'string' },
    service: { type: 'string' },
    rate: { type: 'string', default: '120' },
    seconds: { type: 'string', default: '60' },
    versions: { type: 'string', default: '' },
    'api-versions': { type: 'string', default: '' },
    mix: { type: 'string', default: defaultMix },
    json: { type: 'string' },
  },
});

const list = (text: string): Set<string> => new Set(text.split(',').filter((item) => item !== ''));

function parseMix(text: string): Partial<Record<Kind, number>> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [kind = '', share] = part.split('=');
      if (!KINDS.includes(kind as Kind) || !(Number(share) >= 0))
        throw new Error(`not a part of a mix: ${part}\n${usage}`);
      return [kind, Number(share)];
    }),
  );
}

if (values.url === undefined) {
  console.error(usage);
  process.exit(2);
}
const url = new URL(values.url);
const isTls = url.protocol === 'https:';
if (isTls !== (values.trust !== undefined)) throw new Error(`https and --trust go together\n${usage}`);
const client = new LoadClient({
  hostnames: [url.hostname, ...list(values.also)],
  ...(values.service === undefined ? {} : { service: values.service }),
  port: Number(url.port || (isTls ? 443 : 80)),
  ...(values.trust === undefined ? {} : { trust: readFileSync(values.trust, 'utf8') }),
  hostHeader: values['host-header'] ?? url.host,
  rate: Number(values.rate),
  seconds: Math.min(longestSeconds, Number(values.seconds)),
  versions: list(values.versions),
  apiVersions: list(values['api-versions']),
  mix: parseMix(values.mix),
});
process.on('SIGINT', () => client.stop());
process.on('SIGTERM', () => client.stop());
// Started by a test: it asks over the channel, and the load ends with it.
process.on('disconnect', () => client.stop());
process.on('message', (message) => {
  if (message === 'report') process.send?.(client.report());
  else client.stop();
});

const report = await client.ended;
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
console.log(reportText(report));
process.exitCode = report.failed > 0 ? 1 : 0;
if (process.connected) process.send?.(report, () => process.disconnect());
