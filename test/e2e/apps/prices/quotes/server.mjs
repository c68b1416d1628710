import http from 'node:http';
import os from 'node:os';

http
  .createServer((request, response) => {
    const item = new URL(request.url, 'http://quotes').searchParams.get('item') ?? 'nothing';
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ item, cents: item.length * 100, answeredBy: os.hostname() }));
  })
  .listen(4000);
process.on('SIGTERM', () => process.exit(0));
