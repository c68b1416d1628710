const http = require('node:http');
const os = require('node:os');
const { createClient } = require('redis');

const redis = createClient({ url: process.env.REDIS_URL });
redis.on('error', (error) => console.error('redis', error.message));

const server = http.createServer(async (request, response) => {
  try {
    const count = request.method === 'POST' ? await redis.incr('hits') : Number(await redis.get('hits'));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ count, replica: os.hostname() }));
  } catch (error) {
    response.writeHead(503).end(error.message);
  }
});

redis.connect().then(() => server.listen(5000));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
