// What can go wrong between the page and the server, and how to say it to a person.

/** `offline`: no answer; `unavailable`: worth trying again later; `expired`: sign in again; `refused`: do not repeat. */
export type FailureKind = 'offline' | 'unavailable' | 'expired' | 'refused';

export class WireFailure extends Error {
  readonly kind: FailureKind;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  readonly body: unknown;
  /** What `Retry-After` asked for; 0 where it asked for nothing. */
  readonly waitMs: number;

  constructor(answer: { status: number; body?: unknown; waitMs?: number }) {
    super(describeAnswer(answer.status, answer.body));
    this.name = 'WireFailure';
    this.status = answer.status;
    this.kind = classify(answer.status);
    this.body = answer.body;
    this.waitMs = answer.waitMs ?? 0;
  }
}

/** One sentence for a person, whatever was thrown. */
export function explain(error: unknown): string {
  if (!(error instanceof WireFailure)) return 'Something went wrong on this page. Please try again.';
  if (error.kind === 'offline') return 'The server cannot be reached. Check your connection.';
  if (error.status === 429) return `That was too often. Please wait ${describeWait(error.waitMs)}.`;
  if (error.kind === 'unavailable') return 'The server has trouble right now. Please try again.';
  return error.kind === 'expired' ? 'Please sign in again.' : error.message;
}

export function isTransient(error: unknown): boolean {
  return error instanceof WireFailure && (error.kind === 'offline' || error.kind === 'unavailable');
}

/**
 * Field errors of a form as readable sentences by field. `{"field":["sentence"]}` is the usual form; a
 * sentence may itself be a printed Python list, `['one', 'two']`.
 */
export function readFieldErrors(body: unknown): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const [field, value] of Object.entries(asRecord(body))) {
    const sentences = (Array.isArray(value) ? value : [value])
      .filter((sentence) => typeof sentence === 'string')
      .flatMap(readPrintedList);
    if (sentences.length > 0) fields[field] = sentences;
  }
  return fields;
}

export type FormErrors = Record<string, string[]>;

/** What to show beside the fields of a form; `problem` is what is about none of them. */
export function explainForm(error: unknown): FormErrors {
  const fields = error instanceof WireFailure && error.status === 400 ? readFieldErrors(error.body) : {};
  return Object.keys(fields).length > 0 ? fields : { problem: [explain(error)] };
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** `Retry-After` in milliseconds: seconds, or an HTTP date. */
export function readRetryAfter(header: string | null, now: number): number {
  if (header === null || header.trim() === '') return 0;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

function classify(status: number): FailureKind {
  if (status === 0) return 'offline';
  if (status === 401) return 'expired';
  return status === 408 || status === 425 || status === 429 || status >= 500 ? 'unavailable' : 'refused';
}

function describeAnswer(status: number, body: unknown): string {
  const { detail, error, message } = asRecord(body);
  const said = [detail, error, message].find((text) => typeof text === 'string' && text !== '');
  if (typeof said === 'string') return said;
  const [sentence] = Object.values(readFieldErrors(body)).flat();
  return sentence ?? `The server refused this (${status}).`;
}

function describeWait(waitMs: number): string {
  const seconds = Math.ceil(waitMs / 1000);
  if (seconds <= 0) return 'a moment';
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}

/** Python prints a string in single quotes, in double ones where it holds a single one, and escapes by backslash. */
function readPrintedList(sentence: string): string[] {
  const text = sentence.trim();
  if (!text.startsWith('[') || !text.endsWith(']')) return [sentence];
  const items = [...text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs)].map((match) =>
    (match[1] ?? match[2] ?? '').replaceAll(/\\(.)/g, '$1'),
  );
  return items.length > 0 ? items : [sentence];
}
