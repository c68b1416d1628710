/**
 * `node scripts/record.ts`: docs/demo.svg, from a real deploy. Needs the demo's lab (`npm run demo -- --hosts 3`) and tmux.
 * Visitors use the application meanwhile, so that the line about traffic has something to say. The page's title is changed
 * for the new version and changed back; nothing in the picture is edited.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from '../lab/command.ts';
import { readLab } from '../lab/state.ts';
import { SeawallError } from '../src/errors.ts';
import { renderTerminal } from './terminal-svg.ts';

const root = resolve(import.meta.dirname, '..');
const columns = 112;
const session = `seawall-record-${process.pid}`;
const commandTimeoutMs = 5 * 60_000;
const PROMPT = '$ ';

const tmux = (...args: string[]): Promise<string> => runCommand('tmux', args);
const screen = async (): Promise<string[]> =>
  (await tmux('capture-pane', '-t', session, '-p', '-e', '-S', '-')).trimEnd().split('\n');

/** Types a command and waits for what must stand at the end of the screen then. */
async function type(text: string, until: RegExp): Promise<void> {
  const before = (await screen()).length;
  await tmux('send-keys', '-t', session, '-l', text);
  await tmux('send-keys', '-t', session, 'Enter');
  const deadlineMs = performance.now() + commandTimeoutMs;
  for (;;) {
    await delay(200);
    const lines = await screen();
    if (lines.length > before && until.test(plain(lines.at(-1) ?? ''))) return;
    if (performance.now() > deadlineMs) {
      throw new SeawallError('timeout', `${text}: ${until} never stood at the end`, {
        cause: new Error(lines.slice(-20).join('\n')),
      });
    }
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are left out
const plain = (line: string): string => line.replaceAll(/\x1b\[[\d;]*m/g, '');

async function record(): Promise<string[]> {
  const path = `${join(root, 'bin')}:${process.env.PATH}`;
  const files = 'examples/polls/seawall.yml:.demo/lab.yml';
  const environment = { PATH: path, SEAWALL_FILE: files, PS1: PROMPT };
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const size = ['-x', `${columns}`, '-y', '60'];
  const shell = ['env', ...settings, 'bash', '--norc', '--noprofile'];
  await tmux('new-session', '-d', '-s', session, ...size, '-c', root, ...shell);
  try {
    await type('seawall deploy', /\[y\/N\]|\(y\/N\)|\?\s*$/i);
    await type('y', /^\$$/);
    await type('seawall ps', /^\$$/);
    const lines = await screen();
    return lines.slice(0, -1);
  } finally {
    await tmux('kill-session', '-t', session);
  }
}

const lab = await readLab(join(root, '.demo/lab'));
const page = join(root, 'examples/polls/polls/templates/polls/index.html');
const before = readFileSync(page, 'utf8');
const url = `http://${lab.hosts[0]?.address}`;
const visitors = spawn(
  process.execPath,
  [join(root, 'scripts/visitors.ts'), '--url', url, '--rate', '25', '--seconds', '600'],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
const left = new Promise((done) => visitors.once('close', done));
try {
  writeFileSync(page, before.replace('Questions', `Questions of ${new Date().toISOString()}`));
  const lines = await record();
  const title = 'seawall deploy: a new version over three hosts, under load; then seawall ps';
  writeFileSync(join(root, 'docs/demo.svg'), renderTerminal(lines, { columns, title }));
} finally {
  writeFileSync(page, before);
  visitors.kill('SIGTERM');
  await left;
}
