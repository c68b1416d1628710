export { type CommandOptions, type CommandResult, run } from './command.ts';
export {
  type Connections,
  type ConnectOptions,
  connectHost,
  connectHosts,
  type HostFailure,
  type HostLink,
  localSocket,
  type TcpTarget,
} from './connect.ts';
export { type CallOptions, Docker, type ListContainersOptions, type LogOptions } from './docker.ts';
export { DockerError, isConflict, isNotFound } from './docker-error.ts';
export type {
  ExecOptions,
  ExecResult,
  InteractiveExec,
  InteractiveOptions,
  TerminalSize,
} from './docker-exec.ts';
export type { PullOptions } from './docker-images.ts';
export { demultiplex, type LogLine } from './docker-stream.ts';
export type * from './docker-types.ts';
export {
  type HostFacts,
  type OwnContainerFacts,
  parseClusterFile,
  readClusterFile,
  readFacts,
  refuseUnfit,
} from './facts.ts';
export {
  type HostFile,
  type HostFolder,
  readContainerFile,
  readHostFile,
  runHelper,
  writeHostFiles,
} from './host-files.ts';
export { installDocker } from './install-docker.ts';
export {
  bodyHash,
  type Ensured,
  ensureContainer,
  findContainer,
  isContainerCurrent,
} from './own-container.ts';
export {
  describeProbe,
  type HttpProbe,
  type ProbeResult,
  probeHttp,
  probeTcp,
  type TcpProbe,
} from './probe.ts';
