import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';

const key = readFileSync('/run/secrets/signing_key');
const token = readFileSync('/run/secrets/partner.token', 'utf8');
const limits = JSON.parse(readFileSync('/limits', 'utf8'));
const banner = readFileSync('/etc/settings/banner.txt', 'utf8');

const canWrite = () => {
  try {
    writeFileSync('/etc/settings/banner.txt', 'mine');
    return true;
  } catch {
    return false;
  }
};

http
  .createServer((request, response) => {
    const text = new URL(request.url, 'http://api').searchParams.get('text') ?? '';
    const signature = createHmac('sha256', key).update(text).digest('hex');
    const { REGION, GREETING } = process.env;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ signature, tokenLength: token.length, limits, banner, REGION, GREETING, uid: process.getuid(), canWrite: canWrite(), replica: os.hostname() }),
    );
  })
  .listen(8080);
process.on('SIGTERM', () => process.exit(0));
