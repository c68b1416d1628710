const http = require('node:http');
const os = require('node:os');
const { createClient } = require('redis');

const { ROLE, FLAVOUR, LOG_LEVEL, REDIS_URL, EVERY_MS } = process.env;
const connect = () => createClient({ url: REDIS_URL }).on('error', console.error).connect();
process.on('SIGTERM', () => process.exit(0));

const roles = {
  async web() {
    const redis = await connect();
    const answer = async (request) => {
      if (request.method === 'POST') await redis.lPush('jobs', request.url.slice(1));
      return { FLAVOUR, LOG_LEVEL, ticks: Number(await redis.get('ticks')), done: await redis.hGetAll('done') };
    };
    http
      .createServer((request, response) =>
        answer(request).then(
          (found) => response.end(JSON.stringify(found)),
          (error) => response.writeHead(500).end(error.message),
        ),
      )
      .listen(8000);
  },
  async worker() {
    const redis = await connect();
    for (;;) {
      const { element } = await redis.brPop('jobs', 0);
      await redis.hSet('done', element, os.hostname());
    }
  },
  async clock() {
    const redis = await connect();
    setInterval(() => redis.incr('ticks'), Number(EVERY_MS));
  },
};

if (process.argv[2] === 'check') {
  http
    .get('http://127.0.0.1:8000', (response) => process.exit(response.statusCode === 200 ? 0 : 1))
    .on('error', () => process.exit(1));
} else {
  roles[ROLE]();
}
