/**
 * Visitors of the polls example: pages and votes at a fixed rate over kept connections, each answer checked.
 *   node scripts/visitors.ts --url http://10.99.0.11 --rate 60 --seconds 60
 * Exit code 1: a request failed.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://polls.localhost' },
    rate: { type: 'string', default: '60' },
    seconds: { type: 'string', default: '60' },
  },
});
const base = new URL(values.url);
const rate = Number(values.rate);
const seconds = Math.min(1800, Number(values.seconds));
const patienceMs = 10_000;
// Kept: a connection that the other side closes under a request shows as a failure here.
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const counts = { pages: 0, votes: 0, failed: 0 };
const reasons = new Map<string, number>();

interface Answer {
  readonly response: IncomingMessage;
  readonly text: string;
}

function ask(path: string, form?: { readonly body: string; readonly cookie: string }): Promise<Answer> {
  const headers = form && { cookie: form.cookie, 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, base), {
      agent,
      method: form === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(patienceMs),
      ...(headers === undefined ? {} : { headers }),
    });
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ response, text: Buffer.concat(chunks).toString() }));
    });
    call.end(form?.body);
  });
}

function expect(isRight: boolean, what: string): asserts isRight {
  if (!isRight) throw new Error(what);
}

async function openPage(): Promise<void> {
  const { response, text } = await ask('/');
  expect(response.statusCode === 200 && text.includes('What do you drink'), `page: ${response.statusCode}`);
  counts.pages += 1;
}

/** The form with its token, then the vote, as a browser does. */
async function vote(): Promise<void> {
  const { response, text } = await ask('/1/');
  const token = /csrfmiddlewaretoken" value="([^"]+)"/.exec(text)?.[1];
  const cookie = response.headers['set-cookie']?.[0]?.split(';')[0];
  expect(token !== undefined && cookie !== undefined, `form: ${response.statusCode}`);
  const body = `csrfmiddlewaretoken=${token}&choice=${1 + Math.floor(Math.random() * 4)}`;
  const { response: answer } = await ask('/1/vote/', { body, cookie });
  expect(answer.statusCode === 302, `vote: ${answer.statusCode}`);
  counts.votes += 1;
}

const visits: Promise<void>[] = [];
const end = performance.now() + seconds * 1000;
let isStopping = false;
process.on('SIGTERM', () => {
  isStopping = true;
});
const start = performance.now();
while (!isStopping && performance.now() < end) {
  const due = Math.floor(((performance.now() - start) / 1000) * rate);
  while (visits.length < due) {
    const visit = visits.length % 3 === 0 ? vote() : openPage();
    visits.push(
      visit.catch((error: NodeJS.ErrnoException) => {
        counts.failed += 1;
        const reason = error.code ?? error.message;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }),
    );
  }
  await delay(10);
}
await Promise.all(visits);
agent.destroy();
console.log(`${counts.pages} pages and ${counts.votes} votes, ${counts.failed} failed`);
for (const [reason, times] of reasons) console.log(`  ${times} × ${reason}`);
process.exitCode = counts.failed === 0 ? 0 : 1;
