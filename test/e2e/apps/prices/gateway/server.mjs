import http from 'node:http';

// A connection for each question, as most clients in front of an internal API do without a pool.
const ask = (path) =>
  new Promise((done, fail) => {
    const call = http.get(`${process.env.QUOTES_URL}${path}`, { agent: false, timeout: 3000 }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => (body += chunk));
      answer.on('end', () => done(JSON.parse(body)));
    });
    call.on('timeout', () => call.destroy(new Error('quotes took more than 3 s')));
    call.on('error', fail);
  });

http
  .createServer(async (request, response) => {
    try {
      const quote = await ask(request.url);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ currency: 'EUR', ...quote }));
    } catch (error) {
      response.writeHead(502).end(`${error.message}\n`);
    }
  })
  .listen(3000);
process.on('SIGTERM', () => process.exit(0));
