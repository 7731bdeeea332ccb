// The API described for programs (OpenAPI 3.1), made when it is first asked for from the very schemas by which requests are checked and
// answers are written, so it cannot fall behind them. What schemas do not say is in summaries.ts.
import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import { type Notes, type Operation, OPERATIONS, REFUSAL, SUMMARY, UPLOAD } from './summaries.ts';

export interface ApiDescription {
  /** Hears of a route as it is mounted. */
  note(route: RouteOptions): void;
  /** JSON. */
  text(): string;
}

/** `nouns`: schemas that are shown under a name of their own wherever they occur. */
export function createApiDescription(given: {
  version: string;
  nouns: Record<string, z.ZodType>;
}): ApiDescription {
  const routes: RouteOptions[] = [];
  let text: string | undefined;
  return {
    note(route) {
      // Fastify mounts the root of a prefix twice, and changes the first one's address then.
      if (route.url.startsWith('/api/')) routes.push({ ...route });
    },
    text: () => (text ??= JSON.stringify(describe(routes, given))),
  };
}

function describe(
  routes: readonly RouteOptions[],
  { version, nouns }: { version: string; nouns: Record<string, z.ZodType> },
): object {
  const schemas: Record<string, object> = { Upload: UPLOAD, Refusal: REFUSAL };
  const toSchema = createConverter(nouns, schemas);
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    for (const method of [route.method].flat()) {
      const known = OPERATIONS[`${method} ${route.url}`];
      if (!known) continue;
      const path = (known.path ?? route.url).replaceAll(/:(\w+)/g, '{$1}');
      paths[path] = { ...paths[path], [method.toLowerCase()]: toOperation(route, known, toSchema) };
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Veranda', version, summary: SUMMARY, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas,
    },
  };
}

type ToSchema = (schema: z.ZodType) => object;

/** Named schemas become references, and are put into `components` once. */
function createConverter(nouns: Record<string, z.ZodType>, components: Record<string, object>): ToSchema {
  const metadata = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(nouns)) metadata.add(schema, { id });
  return (schema) => {
    // Within another one, so that a named schema is a reference too.
    const whole = z.toJSONSchema(z.object({ schema }), { metadata, io: 'input', unrepresentable: 'any' });
    const { properties, $defs } = JSON.parse(
      JSON.stringify(whole).replaceAll('"#/$defs/', '"#/components/schemas/'),
    ) as { properties: { schema: object }; $defs?: Record<string, { id?: string }> };
    for (const [name, { id: _, ...definition }] of Object.entries($defs ?? {})) components[name] = definition;
    return properties.schema;
  };
}

function toOperation({ url, schema, config }: RouteOptions, known: Operation, toSchema: ToSchema): object {
  const { params, querystring, body, response } = (schema ?? {}) as {
    params?: z.ZodType;
    querystring?: z.ZodType;
    body?: z.ZodType;
    response?: Record<string, z.ZodType>;
  };
  const names = [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const inPath = propertiesOf(params, toSchema);
  const inQuery = propertiesOf(querystring, toSchema);
  const form = known.body ? undefined : config?.form;
  return {
    tags: [known.tag],
    summary: known.summary,
    ...(config?.public && { security: [] }),
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: inPath[name] ?? {} })),
      ...Object.entries(inQuery).map(([name, value]) => ({
        ...{ name, in: 'query', schema: value },
        ...(known.query?.[name] !== undefined && { description: known.query[name] }),
      })),
      ...toHeaders(known.headers),
    ],
    ...(known.body && { requestBody: { required: true, content: known.body } }),
    ...(body && { requestBody: { required: true, content: asJson(toSchema(body)) } }),
    ...(form && {
      requestBody: {
        required: true,
        content: { ...asJson(toSchema(form)), 'multipart/form-data': { schema: toSchema(form) } },
      },
    }),
    responses: {
      ...known.answers,
      ...Object.fromEntries(
        Object.entries(response ?? {}).map(([status, answer]) => [
          status,
          { description: 'Done', content: asJson(toSchema(answer)) },
        ]),
      ),
      default: { description: 'Refused', content: asJson({ $ref: '#/components/schemas/Refusal' }) },
    },
  };
}

const asJson = (schema: object): object => ({ 'application/json': { schema } });

function propertiesOf(schema: z.ZodType | undefined, toSchema: ToSchema): Record<string, object> {
  if (!schema) return {};
  return (toSchema(schema) as { properties?: Record<string, object> }).properties ?? {};
}

const toHeaders = (headers: Notes = {}): object[] =>
  Object.entries(headers).map(([name, description]) => ({
    ...{ name, in: 'header', description, schema: { type: 'string' } },
  }));
