// Form bodies: multipart as browsers send them, or JSON with the same keys. Fields are bounded, never cut silently.
import { isUtf8 } from 'node:buffer';
import type { MultipartFile } from '@fastify/multipart';
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
import type { Spool } from '../../platform/spools.ts';
import { decodeDataUrl } from './data-urls.ts';

export type FormValue = string | Buffer;

export interface FormLimits {
  /** Characters of a field, bytes of a file. */
  maxFieldBytes: number;
}

/** A field that may be large, as a data URL in text or as bytes: put into `spool` while it comes in. */
export interface LargeField {
  name: string;
  /** Bytes, decoded. */
  maxBytes: number;
  spool: Spool;
}

const MAX_PARTS = 22;
/** Bytes of a form beside its one large field. */
const BESIDES = 65_536;

/**
 * The fields of a multipart body; files as bytes, the `large` field as its spool. Throws `unsupported` for another content
 * type, `too_large` for a field or body beyond the limits, `invalid` for a body that is cut, doubled or not a form.
 */
export async function readForm(
  request: FastifyRequest,
  { maxFieldBytes, large }: FormLimits & { large?: LargeField },
): Promise<Record<string, FormValue | Spool>> {
  if (!request.isMultipart()) throw unsupported('not_a_form', 'Unsupported media type in request.');
  const form = new Map<string, FormValue | Spool>();
  const limits = { fileSize: maxFieldBytes, files: MAX_PARTS, parts: MAX_PARTS };
  const announced = Number(request.headers['content-length'] ?? 0);
  const { promise: refused, reject: refuse } = Promise.withResolvers<never>();
  // Beside a spool there is little.
  const held = large ? undefined : request.holdBody(refuse);
  const mostBytes = large ? BESIDES : maxFieldBytes + BESIDES;
  let bytes = 0;
  let pieces: Buffer[] = [];

  async function readParts(): Promise<void> {
    // All as files, so that text comes as the bytes it was sent as.
    for await (const part of request.files({ limits, isPartAFile: () => true })) {
      if (form.has(part.fieldname)) throw invalid('field_doubled', 'A field of the form came twice.');
      const isFile = part.filename || part.mimetype === 'application/octet-stream';
      const value = part.fieldname === large?.name ? await fill(large, part) : await collect(part);
      form.set(part.fieldname, isFile || !Buffer.isBuffer(value) ? value : readText(value));
    }
  }

  async function collect({ file }: MultipartFile): Promise<Buffer> {
    for await (const piece of file as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > mostBytes) throw fieldTooLarge();
      pieces.push(piece);
      held?.add(piece);
    }
    if (file.truncated) throw fieldTooLarge();
    const value = Buffer.concat(pieces);
    pieces = [];
    return value;
  }

  try {
    // Refused before a byte is read: a few small fields come beside the large one.
    if (announced > maxFieldBytes + BESIDES) throw fieldTooLarge();
    await Promise.race([readParts(), refused]);
  } catch (error) {
    // Whoever goes on sending is read to the end, or would never come to read the answer.
    request.raw.unpipe().resume();
    held?.release();
    form.clear();
    pieces = [];
    throw asRefusal(error);
  }
  held?.arrive(bytes);
  return Object.fromEntries(form);
}

async function fill({ spool, maxBytes }: LargeField, { file, filename }: MultipartFile): Promise<Spool> {
  const content = filename === undefined ? decodeDataUrl(file, { maxBytes }) : file;
  for await (const piece of content) {
    await spool.add(piece as Buffer).catch((cause: unknown) => {
      throw cause instanceof DomainError ? cause : new UnheldForm('A form could not be held', { cause });
    });
  }
  if (file.truncated) throw fieldTooLarge();
  return spool;
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

/** No fault of whoever sent it. */
class UnheldForm extends Error {}

function asRefusal(error: unknown): unknown {
  if (error instanceof DomainError || error instanceof UnheldForm) return error;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return fieldTooLarge();
  return invalid('form_not_valid', 'The form could not be read.');
}

const fieldTooLarge = () => tooLarge('field_too_large', 'A field of the form is too large.');
