import type { KeyDoc } from './key-docs.ts';

/** The part of JSON Schema that zod writes for seawall.yml. */
interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Every key of seawall.yml and of the Compose Specification, explained from the schema and the table of keys. */
export async function readKeyDocs(): Promise<KeyDoc[]> {
  const [{ z }, { configSchema }, { COMPOSE_KEYS }] = await Promise.all([
    import('zod'),
    import('../config/index.ts'),
    import('../compose/index.ts'),
  ]);
  const schema = z.toJSONSchema(configSchema, { unrepresentable: 'any' }) as Schema;
  const compose = COMPOSE_KEYS.map(
    ({ key, text, status, remedy }): KeyDoc => ({
      ...{ file: 'Compose', key, text, status },
      ...(remedy === undefined ? {} : { remedy }),
    }),
  );
  return [...schemaDocs(schema, ''), ...compose];
}

function schemaDocs(schema: Schema, key: string): KeyDoc[] {
  const below = (name: string) => (key === '' ? name : `${key}.${name}`);
  const { description, properties = {}, additionalProperties, items, anyOf = [] } = schema;
  const own: KeyDoc[] =
    key === '' || description === undefined ? [] : [{ file: 'seawall.yml', key, text: description }];
  const docs = [
    ...own,
    ...Object.entries(properties).flatMap(([name, inner]) => schemaDocs(inner, below(name))),
    ...(typeof additionalProperties === 'object' ? schemaDocs(additionalProperties, below('*')) : []),
    ...(items === undefined ? [] : schemaDocs(items, below('*'))),
    ...anyOf.flatMap((each) => schemaDocs(each, key)),
  ];
  return [...new Map(docs.map((doc) => [`${doc.key} ${doc.text}`, doc])).values()];
}
