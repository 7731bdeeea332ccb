// Items of Structured Field Values (RFC 9651) as uploads use them. What is not well-formed counts as not there, as the
// draft of Resumable Uploads wants it; parameters are passed over.
import type { FastifyRequest } from 'fastify';
import { readHeader } from './headers.ts';

export function readBoolean(request: FastifyRequest, name: string): boolean | undefined {
  const [, digit] = /^\?([01])(?:\s*;.*)?$/.exec(readHeader(request, name)?.trim() ?? '') ?? [];
  return digit === undefined ? undefined : digit === '1';
}

/** Not negative; at most 15 digits. */
export function readInteger(request: FastifyRequest, name: string): number | undefined {
  const [, digits] = /^(\d{1,15})(?:\s*;.*)?$/.exec(readHeader(request, name)?.trim() ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export const toBoolean = (value: boolean): string => (value ? '?1' : '?0');
