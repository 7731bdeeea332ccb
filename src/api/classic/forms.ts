// Form bodies: multipart as browsers send them, or JSON with the same keys. Fields are bounded, never cut silently.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  DomainError,
  type FieldErrors,
  invalid,
  invalidFields,
  tooLarge,
  unsupported,
} from '../../platform/errors.ts';
import { decodeDataUrl } from './data-urls.ts';

export type FormValue = string | Buffer;

export interface FormLimits {
  /** Characters of a field, bytes of a file. */
  maxFieldBytes: number;
}

/** A text field that holds a large data URL: it is decoded while it comes in and given as bytes. */
export interface EncodedField {
  name: string;
  /** Bytes, decoded. */
  maxBytes: number;
}

/**
 * The fields of a multipart body; files, and the `encoded` field, as bytes. Throws `unsupported` for another content
 * type, `too_large` for a field or body beyond the limits, `invalid` for a body that is cut, doubled or not a form.
 */
export async function readForm(
  request: FastifyRequest,
  { maxFieldBytes, encoded }: FormLimits & { encoded?: EncodedField },
): Promise<Record<string, FormValue>> {
  if (!request.isMultipart()) throw unsupported('not_a_form', 'Unsupported media type in request.');
  // Refused before a byte is read: a few small fields come beside the large one.
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxFieldBytes + 65_536) throw fieldTooLarge();
  const form = new Map<string, FormValue>();
  try {
    const limits = {
      fieldSize: maxFieldBytes,
      fileSize: maxFieldBytes,
      fields: 20,
      files: 2,
      parts: 22,
      fieldNameSize: 100,
    };
    const isPartAFile = (name = '', type = '', filename = ''): boolean =>
      name === encoded?.name || filename !== '' || type === 'application/octet-stream';
    for await (const part of request.parts({ limits, isPartAFile })) {
      if (form.has(part.fieldname)) throw invalid('field_doubled', 'A field of the form came twice.');
      if (part.type === 'file') {
        const isEncoded = encoded?.name === part.fieldname && part.filename === undefined;
        form.set(
          part.fieldname,
          isEncoded
            ? await decodeDataUrl(part.file, { ...encoded, expectedBytes: Math.ceil(announced * 0.75) })
            : await part.toBuffer(),
        );
        continue;
      }
      if (part.valueTruncated || part.fieldnameTruncated) throw fieldTooLarge();
      form.set(part.fieldname, typeof part.value === 'string' ? part.value : '');
    }
  } catch (error) {
    throw asRefusal(error);
  }
  return Object.fromEntries(form);
}

/** The body of a route that takes both forms and JSON. */
export async function readFormOrJson(request: FastifyRequest, limits: FormLimits): Promise<unknown> {
  return request.isMultipart() ? readForm(request, limits) : request.body;
}

/** A form's text field, with Django's sentences. */
export const field = z.string({
  error: (issue) => (issue.input === undefined ? 'This field is required.' : 'Not a valid string.'),
});

/** Throws `invalid` with sentences by field. */
export function parseFields<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const fields: FieldErrors = {};
  for (const issue of parsed.error.issues) {
    const name = issue.path[0] === undefined ? 'non_field_errors' : String(issue.path[0]);
    fields[name] = [...(fields[name] ?? []), issue.message];
  }
  throw invalidFields(fields);
}

function asRefusal(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return fieldTooLarge();
  return invalid('form_not_valid', 'The form could not be read.');
}

const fieldTooLarge = () => tooLarge('field_too_large', 'A field of the form is too large.');
