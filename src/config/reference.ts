import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The parts of a JSON schema that zod generates and this file reads. */
interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** seawall.yml as JSON Schema (2020-12), for editors. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const generated = z.toJSONSchema(configSchema, { io: 'input' });
  return {
    ...generated,
    title: 'seawall.yml',
    patternProperties: { '^x-': { description: 'Free for your own use, and for anchors.' } },
    additionalProperties: false,
  };
}

/** One key of seawall.yml; `hosts.NAME.ssh`. */
export interface ConfigKey {
  readonly key: string;
  readonly type: string;
  readonly text: string;
}

const NAMES: Readonly<Record<string, string>> = {
  hosts: 'NAME',
  routes: 'DOMAIN',
  expose: 'SERVICE',
  labels: 'LABEL',
  SERVICE: 'PORT',
};

/** Every key of seawall.yml, in the order of the schema. */
export function configKeys(): readonly ConfigKey[] {
  return keysBelow(configJsonSchema() as JsonSchema, '');
}

function keysBelow(schema: JsonSchema, prefix: string): readonly ConfigKey[] {
  const object = schema.anyOf?.find((branch) => branch.properties !== undefined) ?? schema;
  return Object.entries(object.properties ?? {}).flatMap(([name, value]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    return [{ key, type: typeWords(value), text: value.description ?? '' }, ...keysInside(value, key, name)];
  });
}

function keysInside(value: JsonSchema, key: string, name: string): readonly ConfigKey[] {
  if (value.items !== undefined) return keysBelow(value.items, key);
  const named = value.additionalProperties;
  if (typeof named !== 'object') return keysBelow(value, key);
  return keysBelow(named, `${key}.${NAMES[name] ?? 'NAME'}`);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  object: 'map',
  array: 'list',
  boolean: 'true or false',
};

function typeWords(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeWords))].join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(', ');
  if (schema.type === 'array' && schema.items !== undefined) return `list of ${typeWords(schema.items)}`;
  return TYPE_WORDS[schema.type ?? ''] ?? 'anything';
}

/** The reference page of seawall.yml, in Markdown. */
export function renderConfigReference(): string {
  const rows = configKeys().map(
    ({ key, type, text }) => `| \`${key}\` | ${type} | ${text.replaceAll('|', '\\|')} |`,
  );
  return `# seawall.yml

<!-- Made by scripts/docs.ts from src/config/schema.ts. -->

What a Compose file cannot say stands in \`seawall.yml\` beside it: which machines there are, and which domains lead to which
service. Without the file the project runs on the Docker of this machine, with no route. The
[annotated example](../seawall.example.yml) names every key. Editors with the YAML language server complete and check the file
when its first line names \`schema/seawall.schema.json\` of the installed package: \`# yaml-language-server: $schema=PATH\`.

Paths are relative to the file. Several files (\`--file\` more than once) are laid over each other: maps are merged, lists and
values replaced. Top-level keys that start with \`x-\` are yours.

Durations are numbers with units (\`500ms\`, \`30s\`, \`1m30s\`); sizes are bytes, or numbers with \`k\`, \`M\`, \`G\` (powers of 1024).

| key | value | meaning |
|---|---|---|
${rows.join('\n')}
`;
}
