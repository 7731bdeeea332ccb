// What goes wrong with an S3 store, in the words of the site. The store's own words go into the log as the cause.
import { S3NetworkError, S3ServiceError } from 's3mini';
import { unavailable } from '../errors.ts';
import type { S3Settings } from './settings.ts';
import { UnusableStorage } from './unusable.ts';

/** What a disk says of a file that is not there. */
export const absent = (cause?: unknown): Error =>
  Object.assign(new Error('The store has no such file', { cause }), { code: 'ENOENT' });

/** An answer that is none. */
export const senseless = (what: string): Error =>
  new S3NetworkError(`the store's answer to ${what} has no sense`);

export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Runs `work`; throws `unavailable` (`storage_unavailable`, `storage_full`), or ENOENT for an object that is not there. */
export async function inOurWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(error);
  }
}

export function explain(error: unknown): unknown {
  if (error instanceof S3NetworkError) return outOfReach(error);
  if (!(error instanceof S3ServiceError)) return error;
  const code = codeOf(error);
  if (error.status === 404 && code !== 'NoSuchBucket') return absent(error);
  if (error.status === 507 || /StorageFull|QuotaExceeded|InsufficientStorage/.test(code)) {
    const full = unavailable(
      'storage_full',
      'The server has no space left for files. Please try again later.',
      {
        retryAfter: 60,
      },
    );
    return Object.assign(full, { cause: error });
  }
  return outOfReach(error);
}

const outOfReach = (cause: Error): Error =>
  Object.assign(
    unavailable('storage_unavailable', 'Files cannot be reached just now. Please try again later.', {
      retryAfter: 5,
    }),
    { cause },
  );

/** What kept a store from being opened, by the setting that is to blame. */
export function explainOpening(error: unknown, { endpoint, bucket }: S3Settings): unknown {
  if (error instanceof S3NetworkError) {
    const reason = error.code === undefined ? '' : ` (${error.code})`;
    return new UnusableStorage('endpoint', `the store at ${endpoint} does not answer${reason}`, {
      cause: error,
      passes: true,
    });
  }
  if (!(error instanceof S3ServiceError)) return error;
  const code = codeOf(error);
  const [setting, message] = REASONS[code] ?? reasonOf(error);
  const told = message.replace('BUCKET', bucket).replace('ENDPOINT', endpoint);
  // It fails, is overloaded or full, or a clock is not set yet.
  const passes = error.status >= 500 || error.status === 429 || code === 'RequestTimeTooSkewed';
  return new UnusableStorage(setting, told, { cause: error, passes });
}

type Reason = [UnusableStorage['setting'], string];

const wrongRegion: Reason = ['region', 'is not the one that the store expects'];
const REASONS: Record<string, Reason> = {
  NoSuchBucket: ['bucket', 'there is no bucket BUCKET at ENDPOINT'],
  InvalidAccessKeyId: ['accessKeyId', 'the store at ENDPOINT does not know this key'],
  SignatureDoesNotMatch: ['secretAccessKey', 'does not belong to S3_ACCESS_KEY_ID'],
  AccessDenied: ['accessKeyId', 'this key may not list, read, write and delete in the bucket BUCKET'],
  RequestTimeTooSkewed: [
    'endpoint',
    'the clocks of this machine and of ENDPOINT differ by more than 15 minutes',
  ],
  AuthorizationHeaderMalformed: wrongRegion,
  PermanentRedirect: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
};

function reasonOf({ status }: S3ServiceError): Reason {
  if (status === 404) return ['bucket', 'there is no bucket BUCKET at ENDPOINT'];
  if (status === 301 || status === 307) return wrongRegion;
  if (status === 403) return ['accessKeyId', 'the store at ENDPOINT does not let this key in'];
  return ['endpoint', `ENDPOINT answers with an error (${status})`];
}

/** s3mini reads the code out of an answer of one exact content type only. */
function codeOf({ serviceCode, body }: S3ServiceError): string {
  if (serviceCode !== undefined && serviceCode !== 'Unknown') return serviceCode;
  return /<Code>([^<]+)<\/Code>/.exec(body ?? '')?.[1] ?? '';
}
