export type {
  Desired,
  DesiredRoute,
} from './desired.ts';
export { COMPOSE_KEYS } from './keys/index.ts';
export type { ComposeModel, ServiceModel } from './model.ts';
export { child, type Json, type MapNode, map, type Node, placeAt, toJson } from './node.ts';
export { type ComposeOptions, type ComposeProject, loadCompose, readVariables } from './project.ts';
export { renderComposeReference } from './reference.ts';
export { type Files, readSource } from './sources.ts';
export type { BuildRefusal, ContentFact, ContentRefusal } from './translate/input.ts';
export { tcpPorts } from './translate/ports.ts';
export { translate } from './translate/translate.ts';
export { parseYaml } from './yaml.ts';
