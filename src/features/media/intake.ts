// A body on its way into an upload: read as fast as it is written and no faster, bounded, hashed on the way if its client
// said a checksum. It may break off, or be stopped; what had arrived until then is given out all the same.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { invalid, tooLarge } from '../../platform/errors.ts';
import { passShortLived } from '../../platform/short-lived-memory.ts';

export type ChecksumAlgorithm = 'sha1' | 'sha256' | 'crc32c';

export interface Checksum {
  algorithm: ChecksumAlgorithm;
  /** Of CRC32C, which is a number, the four bytes with the highest first. */
  digest: Buffer;
}

/** Disposed of, it takes nothing more. */
export interface Intake extends Disposable {
  /** What comes next, at most so many bytes; less only at the end. */
  take(most: number): AsyncGenerator<Uint8Array, void>;
  /** Whether all has been given out that will ever come. Waits until that is known. */
  isOver(): Promise<boolean>;
  /** How it ended; of a body that came whole, its bytes are those that were announced. */
  readonly end: 'whole' | 'broken' | 'stopped' | undefined;
  /** Throws `invalid` (`checksum_mismatch`) unless a checksum that was given fits all that was given out. */
  verify(): void;
}

interface IntakeOptions {
  body: Readable;
  /** Ends it early. */
  stop: AbortSignal;
  /** Bytes: more are refused with `too_large` (`body_too_large`). */
  most: number;
  checksum?: Checksum | undefined;
  /** Called before bytes are given out; what it throws ends the intake. */
  confirm?: () => void;
}

/** Bytes that wait to be written. */
const READ_AHEAD = 262_144;

export function createIntake({ body, stop, most, checksum, confirm }: IntakeOptions): Intake {
  const hash = checksum && startHash(checksum.algorithm);
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let came = 0;
  let end: Intake['end'];
  let failure: Error | undefined;
  let wake: (() => void) | undefined;

  const finish = (how: NonNullable<Intake['end']>): void => {
    end ??= how;
    wake?.();
  };
  body.on('data', (piece: Buffer) => {
    if (end) return;
    came += piece.length;
    passShortLived(piece.length);
    if (came > most) {
      failure = tooLarge('body_too_large', 'The request brings more bytes than the upload may have.');
      return finish('broken');
    }
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes >= READ_AHEAD) body.pause();
    wake?.();
  });
  body.once('end', () => finish('whole'));
  body.once('error', () => finish('broken'));
  body.once('close', () => finish('broken'));
  // Of one that is gone already nothing is heard any more.
  if (body.destroyed) finish('broken');
  if (stop.aborted) finish('stopped');
  else stop.addEventListener('abort', () => finish('stopped'), { once: true });

  async function arrival(): Promise<void> {
    while (waiting.length === 0 && !end) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
    if (failure) throw failure;
  }

  return {
    get end() {
      return end;
    },
    async *take(bytes) {
      let left = bytes;
      while (left > 0) {
        await arrival();
        const piece = waiting.shift();
        if (!piece) return;
        const given = piece.length > left ? piece.subarray(0, left) : piece;
        if (given.length < piece.length) waiting.unshift(piece.subarray(left));
        waitingBytes -= given.length;
        left -= given.length;
        if (waitingBytes < READ_AHEAD / 2 && body.isPaused()) body.resume();
        confirm?.();
        hash?.update(given);
        yield given;
      }
    },
    async isOver() {
      await arrival();
      return waiting.length === 0;
    },
    verify() {
      if (checksum && !hash?.digest().equals(checksum.digest))
        throw invalid('checksum_mismatch', 'The bytes do not have the checksum that came with them.');
    },
    [Symbol.dispose]() {
      finish('stopped');
      waiting.length = 0;
    },
  };
}

function startHash(algorithm: ChecksumAlgorithm): {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
} {
  if (algorithm !== 'crc32c') {
    const hash = createHash(algorithm);
    return { update: (bytes) => hash.update(bytes), digest: () => hash.digest() };
  }
  let sum = 0;
  return {
    update(bytes) {
      sum = crc32c(bytes, sum);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(sum);
      return bytes;
    },
  };
}
