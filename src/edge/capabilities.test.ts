import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastCapabilities, readCapabilities } from './capabilities.ts';

const configured = 'configure arguments: --with-http_v2_module --with-http_v3_module --with-threads';

test('the hybrid group needs OpenSSL 3.5, as it runs and not as nginx was built', () => {
  for (const [line, hybridGroup] of [
    ['built with OpenSSL 3.6.5 29 Sep 2026', true],
    ['built with OpenSSL 3.5.0 8 Apr 2025', true],
    ['built with OpenSSL 4.0.0 1 Apr 2026', true],
    ['built with OpenSSL 3.0.19 27 Jan 2026', false],
    ['built with OpenSSL 3.0.19 27 Jan 2026 (running with OpenSSL 3.5.4 30 Sep 2025)', true],
    ['built with OpenSSL 3.5.4 30 Sep 2025 (running with OpenSSL 3.0.19 27 Jan 2026)', false],
    ['built with LibreSSL 4.1.0', false],
    ['built with BoringSSL', false],
  ] as const)
    assert.deepEqual(readCapabilities(`nginx version: nginx/1.30.6\n${line}\n${configured}`), {
      hybridGroup,
      http3: true,
    });
});

test('HTTP/3 needs its module', () => {
  assert.deepEqual(readCapabilities('configure arguments: --with-http_v3_module_not'), leastCapabilities);
  assert.equal(readCapabilities('configure arguments: --with-http_v3_module').http3, true);
});
