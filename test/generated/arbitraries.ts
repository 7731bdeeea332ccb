// Values as JSON Schema describes them, and values as nobody describes them.
import fc from 'fast-check';
import { z } from 'zod';

export interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
}

/** Ready values for properties of these names, half of the time. */
export type Known = Record<string, fc.Arbitrary<unknown>>;

/** What a request may hold, as the route's zod schema says it. What JSON Schema has no word for may be anything. */
export const inputSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

export function valueOf(schema: JsonSchema, known: Known = {}): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => valueOf(one, known)));
  switch (schema.type) {
    case 'string':
      return schema.pattern ? fc.stringMatching(new RegExp(schema.pattern)) : text(schema);
    case 'integer':
    case 'number':
      return fc.integer({ min: (schema.minimum ?? schema.exclusiveMinimum ?? -1_000) + 1, max: 100_000 });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, known), { minLength: schema.minItems ?? 0, maxLength: 5 });
    case 'object':
      return objectOf(schema, known);
    default:
      return odd;
  }
}

function objectOf({ properties = {}, required = [] }: JsonSchema, known: Known): fc.Arbitrary<object> {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const ready = known[name];
    const value = valueOf(schema, known);
    return [name, ready ? fc.oneof(ready, ready, value) : value] as const;
  });
  return fc.record(Object.fromEntries(fields), { requiredKeys: required });
}

const text = ({ minLength = 0, maxLength = 200 }: JsonSchema): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ minLength, maxLength, unit: 'grapheme' }),
    fc.string({ minLength, maxLength, unit: 'binary' }),
    fc.lorem(),
  );

/** What people who look for holes send. */
export const oddTexts = [
  ...[
    '',
    ' ',
    '0',
    '00',
    '01',
    '1.0',
    '+1',
    '-1',
    '1e3',
    '0x6b',
    '1abc',
    '٣',
    'NaN',
    'null',
    'undefined',
    'true',
  ],
  ...[
    '9007199254740993',
    '99999999999999999999',
    '\0',
    'a\0b',
    '\ud800',
    '\r\nX-Evil: 1',
    '../../etc/passwd',
  ],
  ...[
    "'; drop table posts; --",
    '" or 1=1',
    '%00',
    '%',
    '%_',
    '<script>1</script>',
    '{{7*7}}',
    '__proto__',
    '👩‍👩‍👧',
    '\u202e',
  ],
  'a'.repeat(20_000),
];

export const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    2 ** 53,
    -(2 ** 63),
    {},
    [],
    [[]],
    [1],
    { $ne: 1 },
    { id: 1 },
  ),
  fc.constantFrom(...oddTexts),
  fc.string({ unit: 'binary' }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** The same, broken in one place. */
export function broken(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(valid, fc.nat(), odd, fc.constantFrom('drop', 'replace', 'add', 'wrap', 'swap'))
    .map(([value, place, other, how]) => {
      if (typeof value !== 'object' || value === null || how === 'swap') return other;
      if (how === 'wrap') return [value];
      const names = Object.keys(value);
      const name = names[place % Math.max(1, names.length)] ?? 'id';
      if (how === 'drop') return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
      return { ...value, [how === 'add' ? (EXTRA[place % EXTRA.length] ?? 'id') : name]: other };
    });
}

const EXTRA = ['id', 'author', 'authorID', 'userID', 'role', 'is_staff', 'constructor', 'toString', ''];
