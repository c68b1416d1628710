// Speaks HTTPS itself with the files that Seawall keeps for it, and reads them anew at SIGHUP.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import { hostname } from 'node:os';

const folder = '/run/seawall/tls';
const files = () => ({ cert: readFileSync(`${folder}/cert.pem`), key: readFileSync(`${folder}/key.pem`) });

if (process.argv[2] === 'check') {
  const call = request('https://127.0.0.1:8443/', { rejectUnauthorized: false }, ({ statusCode }) =>
    process.exit(statusCode === 200 ? 0 : 1),
  );
  call.on('error', () => process.exit(1));
  call.end();
} else {
  let own = files();
  const server = createServer(own, (incoming, response) => {
    const id = new URL(incoming.url, 'https://x').searchParams.get('id');
    const serial = new X509Certificate(own.cert).serialNumber.toLowerCase();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ version: 'v1', instance: hostname(), id, serial }));
  });
  process.on('SIGHUP', () => {
    own = files();
    server.setSecureContext(own);
  });
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
  server.listen(8443);
}
