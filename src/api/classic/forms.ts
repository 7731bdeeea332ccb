// Form bodies: multipart as browsers send them, or JSON with the same keys. Fields are bounded, never cut silently.
import { isUtf8 } from 'node:buffer';
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

const MAX_PARTS = 22;
/** Bytes of a form beside its one large field. */
const BESIDES = 65_536;

/**
 * The fields of a multipart body; files, and the `encoded` field, as bytes. Throws `unsupported` for another content
 * type, `too_large` for a field or body beyond the limits, `invalid` for a body that is cut, doubled or not a form.
 */
export async function readForm(
  request: FastifyRequest,
  { maxFieldBytes, encoded }: FormLimits & { encoded?: EncodedField },
): Promise<Record<string, FormValue>> {
  if (!request.isMultipart()) throw unsupported('not_a_form', 'Unsupported media type in request.');
  const form = new Map<string, FormValue>();
  const limits = { fileSize: maxFieldBytes, files: MAX_PARTS, parts: MAX_PARTS };
  const announced = Number(request.headers['content-length'] ?? 0);
  const expectedBytes = Math.ceil(announced * 0.75);
  let bytes = 0;
  try {
    // Refused before a byte is read: a few small fields come beside the large one.
    if (announced > maxFieldBytes + BESIDES) throw fieldTooLarge();
    // All as files, so that text comes as the bytes it was sent as.
    for await (const part of request.files({ limits, isPartAFile: () => true })) {
      if (form.has(part.fieldname)) throw invalid('field_doubled', 'A field of the form came twice.');
      const isFile = part.filename || part.mimetype === 'application/octet-stream';
      const isEncoded = part.fieldname === encoded?.name && part.filename === undefined;
      const value =
        encoded && isEncoded
          ? await decodeDataUrl(part.file, { ...encoded, expectedBytes })
          : await part.toBuffer();
      bytes += value.length;
      if (bytes > maxFieldBytes + BESIDES) throw fieldTooLarge();
      form.set(part.fieldname, isFile || isEncoded ? value : readText(value));
    }
  } catch (error) {
    // Whoever goes on sending is read to the end, or would never come to read the answer.
    request.raw.unpipe().resume();
    throw asRefusal(error);
  }
  return Object.fromEntries(form);
}

/** A form is UTF-8 (RFC 7578 section 5.1.2). */
function readText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw invalid('form_not_utf8', 'The form could not be read.');
  return bytes.toString();
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
