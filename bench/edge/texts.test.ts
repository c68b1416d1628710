import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTls } from './texts.ts';

test('the copy with TLS differs from what Seawall wrote only in where it listens, its certificate and its files', () => {
  const own = readFileSync(
    join(import.meta.dirname, '../../test/golden/nginx/paths-and-projects.conf'),
    'utf8',
  );
  const settings = { upstreams: [], httpPort: 1, httpsPort: 8445, folder: '/b', domain: 'x' };
  const lines = withTls(own, settings).split('\n');
  const changed = lines.filter((line) => !own.split('\n').includes(line));
  assert.ok(changed.some((line) => line.includes('listen 0.0.0.0:8445 ssl;')));
  assert.ok(!lines.some((line) => /listen \S+:80\b/.test(line)), 'it listens nowhere in plain');
  for (const line of changed) assert.match(line, /listen |ssl_|\/b\/|seawall-tls/);
});
