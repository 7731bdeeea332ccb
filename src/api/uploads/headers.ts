// The headers that uploads are spoken of in: `Upload-*` of tus 1.0 and of our own form. What is not well-formed is refused.
import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import type { Checksum, ChecksumAlgorithm } from '../../features/media/index.ts';
import { invalid, tooLarge } from '../../platform/errors.ts';

const MAX_METADATA_CHARACTERS = 4_096;

/** Bytes by algorithm. */
export const CHECKSUMS: Readonly<Record<ChecksumAlgorithm, number>> = { sha1: 20, sha256: 32, crc32c: 4 };

export function readHeader({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A whole number of bytes; undefined when the header is not there. */
export function readBytes(request: FastifyRequest, name: string): number | undefined {
  const value = readHeader(request, name);
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw invalid('header_not_valid', `${name} has to be a number of bytes.`);
  return Number(value);
}

/** What the request says that its body will have; undefined when it does not. */
export function readAnnounced(request: FastifyRequest): number | undefined {
  if (request.headers['transfer-encoding'] !== undefined) return undefined;
  return Number(request.headers['content-length'] ?? 0);
}

export function readChecksum(request: FastifyRequest): Checksum | undefined {
  const value = readHeader(request, 'Upload-Checksum');
  if (value === undefined) return undefined;
  const [name = '', encoded = '', ...rest] = value.split(' ');
  const algorithm = Object.hasOwn(CHECKSUMS, name) ? (name as ChecksumAlgorithm) : undefined;
  if (!algorithm || rest.length > 0)
    throw invalid(
      'checksum_not_known',
      `Upload-Checksum is one of ${Object.keys(CHECKSUMS).join(', ')} and its base64.`,
    );
  const digest = decodeBase64(encoded);
  if (digest?.length !== CHECKSUMS[algorithm])
    throw invalid('checksum_not_valid', `Upload-Checksum is no base64 of a ${algorithm}.`);
  return { algorithm, digest };
}

/** tus's list of keys and base64 values. Answers the raw header too, which is given back as it came. */
export function readMetadata(request: FastifyRequest): { raw: string | null; filename: string } {
  const raw = readHeader(request, 'Upload-Metadata')?.trim() ?? '';
  if (raw.length > MAX_METADATA_CHARACTERS)
    throw tooLarge(
      'metadata_too_large',
      `Upload-Metadata may have at most ${MAX_METADATA_CHARACTERS} characters.`,
    );
  const values = new Map<string, string>();
  for (const pair of raw === '' ? [] : raw.split(',')) {
    const [key = '', encoded = '', ...rest] = pair.trim().split(' ');
    const value = decodeBase64(encoded);
    if (!/^[\x21-\x7e]+$/.test(key) || rest.length > 0 || !value || values.has(key))
      throw invalid('metadata_not_valid', 'Upload-Metadata is no list of keys and base64 values.');
    if (key === 'filename' && !isUtf8(value))
      throw invalid('metadata_not_valid', 'The filename in Upload-Metadata is not UTF-8.');
    values.set(key, value.toString());
  }
  return { raw: raw === '' ? null : raw, filename: values.get('filename') ?? values.get('name') ?? '' };
}

function decodeBase64(text: string): Buffer | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}
