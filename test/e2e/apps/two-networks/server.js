const http = require('node:http');
const os = require('node:os');
const { createClient } = require('redis');

const store = createClient({ url: process.env.STORE });
store.on('error', (error) => console.error('store:', error.message));

async function answer(request) {
  const key = request.url.slice(1);
  if (request.method === 'PUT') {
    let value = '';
    for await (const piece of request) value += piece;
    await store.set(key, value);
  }
  return { host: os.hostname(), forwarded: request.headers['x-forwarded-for'], value: await store.get(key) };
}

const server = http.createServer((request, response) =>
  answer(request).then(
    (found) => response.end(JSON.stringify(found)),
    (error) => response.writeHead(500).end(error.message),
  ),
);
store.connect().then(() => server.listen(3000));
process.on('SIGTERM', () => process.exit(0));
