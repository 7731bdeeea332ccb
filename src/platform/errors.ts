// The one way a feature says no. Kinds are closed: each door maps every kind to its own wire form,
// and whatever is not a DomainError is a bug that is logged and answered without detail.

export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'unsupported'
  | 'rate_limited'
  | 'unavailable';

/** Sentences by field, as a form shows them. */
export type FieldErrors = Record<string, string[]>;

export interface ErrorDetails {
  /** What is wrong, by field of the request. */
  fields?: FieldErrors;
  /** Seconds until the same request may be tried again. */
  retryAfter?: number;
  /** Where an upload stands, in bytes, when the client's offset was wrong. */
  offset?: number;
  /** Bytes of an upload that have not come, each range without its `end`. */
  missing?: { start: number; end: number }[];
}

export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly kind: ErrorKind;
  /** Stable and machine-readable, e.g. `post_not_found`. */
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.details = details;
  }
}

export const invalid = (code: string, message: string, details?: ErrorDetails): DomainError =>
  new DomainError('invalid', code, message, details);

export const invalidFields = (fields: FieldErrors): DomainError =>
  new DomainError('invalid', 'invalid_fields', 'Some fields are not valid.', { fields });

export const unauthenticated = (code: string, message: string): DomainError =>
  new DomainError('unauthenticated', code, message);

export const forbidden = (code: string, message: string): DomainError =>
  new DomainError('forbidden', code, message);

export const notFound = (noun: string): DomainError =>
  new DomainError('not_found', `${noun}_not_found`, 'Not found.');

export const conflict = (code: string, message: string, details?: ErrorDetails): DomainError =>
  new DomainError('conflict', code, message, details);

export const tooLarge = (code: string, message: string): DomainError =>
  new DomainError('too_large', code, message);

export const unsupported = (code: string, message: string): DomainError =>
  new DomainError('unsupported', code, message);

export const rateLimited = (retryAfter: number): DomainError =>
  new DomainError('rate_limited', 'rate_limited', 'Request was throttled.', { retryAfter });

export const unavailable = (code: string, message: string, details?: ErrorDetails): DomainError =>
  new DomainError('unavailable', code, message, details);
