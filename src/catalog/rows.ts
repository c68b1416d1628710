import { z } from 'zod';

/** Consul's JSON as it comes back; only the fields that Seawall reads. Consul writes `null` for empty lists and maps. */

const tags = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const meta = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});
const status = z.string();

export const kvRows = z.array(
  z.object({
    Key: z.string(),
    Value: z.string().nullable(),
    Flags: z.number(),
    CreateIndex: z.number(),
    ModifyIndex: z.number(),
    LockIndex: z.number(),
    Session: z.string().optional(),
  }),
);

const checkRow = z.object({
  Node: z.string(),
  CheckID: z.string(),
  Name: z.string(),
  Status: status,
  Notes: z.string().default(''),
  Output: z.string().default(''),
  ServiceID: z.string().default(''),
  ServiceName: z.string().default(''),
});

const serviceRow = z.object({
  ID: z.string(),
  Service: z.string(),
  Address: z.string().default(''),
  Port: z.number().default(0),
  Tags: tags,
  Meta: meta,
});

const nodeRow = z.object({ Node: z.string(), Address: z.string() });

export const checkRows = z.array(checkRow);
export const nodeRows = z.array(nodeRow);
export const healthRows = z.array(
  z.object({ Node: nodeRow, Service: serviceRow, Checks: z.array(checkRow) }),
);
export const serviceNames = z.record(z.string(), z.array(z.string()).nullable());
/** `null` for an unknown node. */
export const nodeServicesRow = z
  .object({ Node: nodeRow, Services: z.record(z.string(), serviceRow) })
  .nullable();
export const sessionRows = z
  .array(
    z.object({
      ID: z.string(),
      Name: z.string(),
      Node: z.string(),
      Behavior: z.string().default('release'),
      TTL: z.string().default(''),
    }),
  )
  .nullish()
  .transform((rows) => rows ?? []);
export const sessionId = z.object({ ID: z.string() });

export type CheckRow = z.infer<typeof checkRow>;
export type ServiceRow = z.infer<typeof serviceRow>;
export type HealthRow = z.infer<typeof healthRows>[number];
export type SessionRow = z.infer<typeof sessionRows>[number];
export type KvRow = z.infer<typeof kvRows>[number];
