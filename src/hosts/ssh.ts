import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeawallError } from '../errors.ts';
import { type CommandOptions, type CommandResult, commandTimeoutMs, run, spawnError } from './command.ts';
import {
  checkDestination,
  explainForbidden,
  explainSocket,
  explainSsh,
  remoteCommand,
  type SshTarget,
  socketScript,
} from './ssh-words.ts';

/** Milliseconds in which a login must be through; `ConnectTimeout` covers only its first part. */
const loginTimeoutMs = 30_000;
/** Most of ssh's own messages that are kept. */
const stderrLimit = 16_384;

export interface SshOptions {
  readonly signal?: AbortSignal | undefined;
  /** ssh may ask for passphrases and host keys on the terminal; else it fails instead. */
  readonly interactive?: boolean;
  /** Seconds for ssh's `ConnectTimeout`; 10 by default. */
  readonly connectTimeoutS?: number;
}

/**
 * One authenticated connection to a host by the system's OpenSSH, over which commands and forwardings run.
 * Its remote end is a `cat` that reads from this process, so ssh ends with this process however that ends.
 */
export class SshConnection {
  readonly target: SshTarget;
  readonly #folder: string;
  readonly #forwards = new Map<string, Promise<string>>();
  readonly #removeAtExit: () => void;
  #master: ChildProcess | undefined;
  #stderr = '';
  #sockets = 0;

  private constructor(target: SshTarget) {
    checkDestination(target);
    this.target = target;
    // Socket paths are limited to about 100 bytes and ssh adds 17 of its own while it makes them.
    const parent = process.env.XDG_RUNTIME_DIR;
    const base = parent !== undefined && parent.length < 40 && existsSync(parent) ? parent : shortTemporary();
    this.#folder = mkdtempSync(join(base, 'seawall-'));
    this.#removeAtExit = () => this.close();
    process.once('exit', this.#removeAtExit);
  }

  /** Logs in. Throws `unreachable` with what ssh said and the remedy, `input` for a bad destination. */
  static async open(target: SshTarget, options: SshOptions = {}): Promise<SshConnection> {
    const connection = new SshConnection(target);
    try {
      await connection.#login(options);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Whether the login still stands. */
  get isOpen(): boolean {
    return this.#master !== undefined && this.#master.exitCode === null && this.#master.signalCode === null;
  }

  /** Why the host's unix socket cannot be used through this connection. */
  async explain(
    socket: string,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<SeawallError> {
    if (!this.isOpen) return explainSsh(this.#stderr, this.target);
    const look = this.exec(['sh', '-c', socketScript, 'sh', socket], { ...options, timeoutMs: 10_000 });
    const state = await look.then(
      ({ exitCode }) => exitCode,
      () => undefined,
    );
    return explainSocket(this.#stderr, state, this.target);
  }

  /** What sshd's own rules have against a forwarding; undefined: nothing that it said. */
  explainForbidden(): SeawallError | undefined {
    return explainForbidden(this.#stderr, this.target);
  }

  /** Local unix socket that leads to the host's `remote`: `/path/of.sock` or `127.0.0.1:8500`. */
  forward(remote: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<string> {
    const known = this.#forwards.get(remote);
    if (known !== undefined) return known;
    this.#sockets += 1;
    const local = join(this.#folder, `f${this.#sockets}`);
    const made = this.#control(['-O', 'forward', '-L', `${local}:${remote}`], options.signal).then(
      () => local,
    );
    this.#forwards.set(remote, made);
    made.catch(() => this.#forwards.delete(remote));
    return made;
  }

  /** Runs a command on the host, without a terminal. Any exit code is an answer; 255 without a connection throws. */
  async exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    // Without its master ssh would log in anew, unchecked by what `open` demands.
    if (!this.isOpen) throw explainSsh(this.#stderr, this.target);
    const args = [
      ...this.#common(),
      '-S',
      this.#controlPath,
      '-o',
      'ControlMaster=no',
      '-o',
      'BatchMode=yes',
      '-T',
    ];
    const result = await run('ssh', [...args, '--', this.target.destination, remoteCommand(argv)], {
      ...options,
      where: this.target.name,
    });
    if (result.exitCode === 255 && !this.isOpen)
      throw explainSsh(`${this.#stderr}\n${result.stderr}`, this.target);
    return result;
  }

  /** Ends ssh and removes its sockets. Safe to repeat. */
  close(): void {
    process.removeListener('exit', this.#removeAtExit);
    if (this.isOpen) this.#master?.kill('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #controlPath(): string {
    return join(this.#folder, 'c');
  }

  #common(): string[] {
    const { sshConfig } = this.target;
    const options = [
      'RemoteCommand=none',
      'ForwardAgent=no',
      'ForwardX11=no',
      'LogLevel=INFO',
      'ClearAllForwardings=no',
    ];
    return [
      ...(sshConfig === undefined ? [] : ['-F', sshConfig]),
      ...options.flatMap((option) => ['-o', option]),
    ];
  }

  async #control(args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const { destination, name } = this.target;
    const all = [...this.#common(), '-S', this.#controlPath, ...args, '--', destination];
    const { exitCode, stderr } = await run('ssh', all, { signal, timeoutMs: commandTimeoutMs, where: name });
    if (exitCode !== 0) throw explainSsh(`${this.#stderr}\n${stderr}`, this.target);
  }

  async #login(options: SshOptions): Promise<void> {
    options.signal?.throwIfAborted();
    const hostKeys = await this.#hostKeyChecking(options);
    const interactive = options.interactive ?? false;
    const settings = [
      'ControlMaster=yes',
      'ControlPersist=no',
      `ConnectTimeout=${options.connectTimeoutS ?? 10}`,
      'ServerAliveInterval=5',
      'ServerAliveCountMax=3',
      'StreamLocalBindUnlink=yes',
      'StreamLocalBindMask=0177',
      `StrictHostKeyChecking=${hostKeys}`,
      `BatchMode=${interactive ? 'no' : 'yes'}`,
    ].flatMap((setting) => ['-o', setting]);
    const args = [
      ...this.#common(),
      '-S',
      this.#controlPath,
      ...settings,
      '-T',
      '--',
      this.target.destination,
    ];
    const master = spawn('ssh', [...args, 'exec cat'], {
      // A session of its own keeps Ctrl-C, which must first undo, from cutting the connection; asking needs the terminal.
      detached: !interactive,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    this.#master = master;
    master.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-stderrLimit);
    });
    master.stdin.on('error', () => {});
    await this.#echo(master, options);
    for (const part of [master, master.stdin, master.stdout, master.stderr])
      (part as { unref?(): void }).unref?.();
  }

  /** Waits until what is written to the remote `cat` comes back: logged in, forwardings possible. */
  #echo(master: ChildProcess, { signal, interactive }: SshOptions): Promise<void> {
    const marker = randomBytes(8).toString('hex');
    return new Promise((resolve, reject) => {
      let seen = '';
      const finish = (end: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        end();
      };
      const abort = () => finish(() => reject(signal?.reason));
      const late = () => finish(() => reject(explainSsh(`${this.#stderr}\nlogin timed out`, this.target)));
      const timer = interactive ? undefined : setTimeout(late, loginTimeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      master.once('error', (error) => finish(() => reject(spawnError(error, 'ssh'))));
      master.once('close', () => finish(() => reject(explainSsh(this.#stderr, this.target))));
      master.stdout?.on('data', (chunk: Buffer) => {
        seen = (seen + chunk.toString()).slice(-4096);
        if (seen.includes(marker)) finish(resolve);
      });
      master.stdin?.write(`${marker}\n`);
    });
  }

  /** Host keys are always checked: the user's own setting counts unless it switches the check off. */
  async #hostKeyChecking({ interactive, signal }: SshOptions): Promise<string> {
    const { sshConfig, destination, name } = this.target;
    const file = sshConfig === undefined ? [] : ['-F', sshConfig];
    const { exitCode, stdout, stderr } = await run('ssh', [...file, '-G', '--', destination], {
      signal,
      where: name,
    });
    if (exitCode !== 0) throw explainSsh(stderr, this.target);
    const own = /^stricthostkeychecking (\S+)$/im.exec(stdout)?.[1];
    if (own === 'accept-new') return 'accept-new';
    return interactive && own === 'ask' ? 'ask' : 'yes';
  }
}

function shortTemporary(): string {
  const folder = tmpdir();
  return folder.length < 40 ? folder : '/tmp';
}
