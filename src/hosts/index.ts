export { type CommandResult, run } from './command.ts';
export {
  type Connections,
  connectHost,
  connectHosts,
  type HostFailure,
  type HostLink,
  localSocket,
} from './connect.ts';
export { ContainerShell } from './container-shell.ts';
export { Docker } from './docker.ts';
export { DockerError, goneIsFine, isConflict, isNotFound } from './docker-error.ts';
export type { TerminalSize } from './docker-exec.ts';
export { withTag } from './docker-images.ts';
export type { LogOptions } from './docker-options.ts';
export { demultiplex } from './docker-stream.ts';
export type * from './docker-types.ts';
export {
  type HostFacts,
  parseClusterFile,
  readClusterFile,
  readFacts,
  refuseUnfit,
} from './facts.ts';
export {
  readContainerFile,
  readHostFile,
  runHelper,
  writeHostFiles,
} from './host-files.ts';
export { installDocker } from './install-docker.ts';
export { listeningPorts } from './listening.ts';
export {
  type Ensured,
  ensureContainer,
  findContainer,
  isContainerCurrent,
} from './own-container.ts';
export {
  describeProbe,
  type ProbeResult,
  probeHttp,
  probeTcp,
  probeTls,
} from './probe.ts';
