// Answers are written by fast-json-stringify, compiled from the zod schema of the route: fast, and what a schema
// does not declare never leaves.
import fastJsonStringify from 'fast-json-stringify';
import type { FastifySerializerCompiler } from 'fastify';
import { z } from 'zod';

export const serializerCompiler: FastifySerializerCompiler<z.ZodType> = ({ schema }) => compile(schema);

/** Compiles once; the result turns one value into JSON text. */
export function compile<Schema extends z.ZodType>(schema: Schema): (value: z.input<Schema>) => string {
  const json = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  return fastJsonStringify(json as Parameters<typeof fastJsonStringify>[0]);
}
