export type {
  ContainerSettings,
  Dependency,
  Desired,
  DesiredBuild,
  DesiredContent,
  DesiredMount,
  DesiredNetwork,
  DesiredPlacement,
  DesiredPort,
  DesiredRoute,
  DesiredService,
  DesiredVolume,
  HealthRule,
  Notice,
  UpdateRule,
} from './desired.ts';
export { COMPOSE_KEYS, type KeyRow } from './keys/index.ts';
export type { ComposeModel, ServiceModel } from './model.ts';
export { child, type Json, type MapNode, map, type Node, placeAt, toJson } from './node.ts';
export { type ComposeOptions, type ComposeProject, loadCompose } from './project.ts';
export { renderComposeReference } from './reference.ts';
export { type Files, readSource } from './sources.ts';
export type { ContentFact, ContentRefusal, TranslateInput } from './translate/input.ts';
export { tcpPorts } from './translate/ports.ts';
export { translate } from './translate/translate.ts';
export { parseYaml } from './yaml.ts';
