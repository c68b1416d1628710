import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredBuild } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { type CommandResult, run } from '../hosts/index.ts';
import { buildCommand, buildKitKeys } from './build-command.ts';

/** Milliseconds after which a build is given up. */
const buildTimeoutMs = 60 * 60_000;

export interface BuildRequest {
  /** What is built, for messages: a service. */
  readonly name: string;
  readonly build: DesiredBuild;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly platform?: string | undefined;
  /** Unix socket of the engine that builds. */
  readonly socketPath: string;
  /** Gets the builder's output line by line. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Builds an image with the machine's docker program: with BuildKit where it has buildx, else with the classic builder.
 * @returns the image's id in the engine that built it.
 * @throws SeawallError `docker` with the last 20 lines as cause; `input` without a docker program, or without the BuildKit that the build needs.
 */
export async function buildImage(request: BuildRequest): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-build-'));
  try {
    const idFile = join(folder, 'id');
    const { tags, labels, platform } = request;
    const hasBuildx = await hasBuildxPlugin(request.signal);
    if (!hasBuildx) refuseBuildKit(request);
    const command = buildCommand(request.build, { tags, labels, platform, idFile, hasBuildx });
    const result = await runBuild(request, command);
    if (result.exitCode !== 0) throw buildError(request, result);
    return (await readFile(idFile, 'utf8')).trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refuseBuildKit({ name, build }: BuildRequest): void {
  const keys = buildKitKeys(build);
  if (keys.length === 0) return;
  throw new SeawallError('input', `the image of ${name} needs BuildKit for build.${keys.join(', build.')}`, {
    where: `services.${name}.build`,
    hint: 'Install buildx for the docker program of this machine (package docker-buildx or docker-buildx-plugin), then: docker buildx version',
  });
}

async function runBuild(
  { socketPath, onLine, signal }: BuildRequest,
  command: ReturnType<typeof buildCommand>,
): Promise<CommandResult> {
  let open = '';
  const onOutput = (text: string) => {
    const lines = (open + text).split(/\r?\n/);
    open = lines.pop() ?? '';
    for (const line of lines) onLine?.(line);
  };
  const result = await run('docker', command.args, {
    env: {
      ...command.env,
      DOCKER_HOST: `unix://${socketPath}`,
      DOCKER_CONTEXT: '',
      DOCKER_CLI_HINTS: 'false',
    },
    ...(command.stdin === undefined ? {} : { stdin: command.stdin }),
    onOutput,
    timeoutMs: buildTimeoutMs,
    signal,
    where: 'docker build',
  });
  if (open !== '') onLine?.(open);
  return result;
}

async function hasBuildxPlugin(signal: AbortSignal | undefined): Promise<boolean> {
  const result = await run('docker', ['buildx', 'version'], { signal, where: 'docker buildx version' });
  return result.exitCode === 0;
}

function buildError({ name, build, tags }: BuildRequest, result: CommandResult): SeawallError {
  const lines = `${result.stdout}\n${result.stderr}`.trim().split('\n');
  return new SeawallError('docker', `building the image of ${name} failed`, {
    where: build.context,
    hint: `Build it by hand to see more: docker build ${build.context}${tags[0] === undefined ? '' : ` (Seawall names it ${tags[0]})`}`,
    cause: new Error(`last lines of the build:\n${lines.slice(-20).join('\n')}`),
  });
}
