// A body on its way into an upload: read as fast as it is written and no faster, bounded, hashed on the way if its client
// said a checksum. It may break off, or be stopped; what had arrived until then is given out all the same.
//
// Two blocks of memory, whatever the body's size: one fills with what comes in while the other one is written. The pieces
// that a request is made of lie outside of V8's heap, which would be searched through for them again and again, so the
// memory of each is given back as soon as it is copied.
import { createHash } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { crc32c } from '@node-rs/crc32';
import { invalid, tooLarge } from '../../platform/errors.ts';

export type ChecksumAlgorithm = 'sha1' | 'sha256' | 'crc32c';

export interface Checksum {
  algorithm: ChecksumAlgorithm;
  /** Of CRC32C, which is a number, the four bytes with the highest first. */
  digest: Buffer;
}

/** Disposed of, it takes nothing more. */
export interface Intake extends Disposable {
  /** What comes next, at most so many bytes; less only at the end. What it yields is good until the next is asked for. */
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

/** Bytes of one write. */
const BLOCK = 262_144;

export function createIntake({ body, stop, most, checksum, confirm }: IntakeOptions): Intake {
  const hash = checksum && startHash(checksum.algorithm);
  // Node makes the pieces of a request for whoever reads it, and for nobody else.
  const blocks = createBlocks({ givesBack: body instanceof IncomingMessage });
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
    if (came > most) {
      failure = tooLarge('body_too_large', 'The request brings more bytes than the upload may have.');
      return finish('broken');
    }
    blocks.add(piece);
    if (blocks.isFull()) body.pause();
    if (blocks.next()) wake?.();
  });
  body.once('end', () => finish('whole'));
  body.once('error', () => finish('broken'));
  body.once('close', () => finish('broken'));
  // Of one that is gone already nothing is heard any more.
  if (body.destroyed) finish('broken');
  if (stop.aborted) finish('stopped');
  else stop.addEventListener('abort', () => finish('stopped'), { once: true });

  /** A full block, or what there is at the end; undefined when nothing more will come. */
  async function arrival(): Promise<Uint8Array | undefined> {
    while (!blocks.next() && !end) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
    if (failure) throw failure;
    return blocks.next() ?? blocks.last();
  }

  return {
    get end() {
      return end;
    },
    async *take(bytes) {
      let left = bytes;
      while (left > 0) {
        const block = await arrival();
        if (!block) return;
        const given = block.subarray(0, left);
        left -= given.length;
        confirm?.();
        hash?.update(given);
        yield given;
        blocks.pass(given.length);
        if (!blocks.isFull() && body.isPaused()) body.resume();
      }
    },
    async isOver() {
      return (await arrival()) === undefined;
    },
    verify() {
      if (checksum && !hash?.digest().equals(checksum.digest))
        throw invalid('checksum_mismatch', 'The bytes do not have the checksum that came with them.');
    },
    [Symbol.dispose]() {
      finish('stopped');
      blocks[Symbol.dispose]();
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

/** Two blocks that take turns: one fills, the other one is read. */
function createBlocks({ givesBack }: { givesBack: boolean }) {
  let filling: Buffer<ArrayBuffer> | undefined;
  let filled = 0;
  let read: { block: Buffer<ArrayBuffer>; from: number; to: number } | undefined;
  let spare: Buffer<ArrayBuffer> | undefined;
  /** What found no room, from this byte on. */
  let rest: { piece: Buffer; from: number } | undefined;

  function turn(): void {
    read = filling && { block: filling, from: 0, to: filled };
    [filling, spare, filled] = [spare, undefined, 0];
  }

  function add(piece: Buffer, begin = 0): void {
    let from = begin;
    while (from < piece.length && !(filled === BLOCK && read)) {
      if (filled === BLOCK) turn();
      filling ??= Buffer.allocUnsafeSlow(BLOCK);
      const copied = piece.copy(filling, filled, from);
      filled += copied;
      from += copied;
    }
    rest = from < piece.length ? { piece, from } : undefined;
    if (!rest && givesBack) giveBack(piece);
    if (filled === BLOCK && !read) turn();
  }

  const next = (): Uint8Array | undefined => read?.block.subarray(read.from, read.to);

  return {
    add,
    /** Whether nothing more can be added just now. */
    isFull: () => filled === BLOCK && read !== undefined,
    /** What is to be read of a block that is full. */
    next,
    /** What is to be read when nothing more will be added. */
    last(): Uint8Array | undefined {
      if (!read && filled > 0) turn();
      return next();
    },
    /** Says that so many bytes of what is to be read are done with. */
    pass(bytes: number): void {
      if (!read) return;
      read.from += bytes;
      if (read.from < read.to) return;
      [spare, read] = [read.block, undefined];
      if (rest) add(rest.piece, rest.from);
      else if (filled === BLOCK) turn();
    },
    [Symbol.dispose](): void {
      for (const block of [filling, read?.block, spare]) block?.buffer.transfer(0);
      if (rest && givesBack) giveBack(rest.piece);
      filling = read = spare = rest = undefined;
      filled = 0;
    },
  };
}

/** Its memory, unless others have a share in it, goes back at once and not when garbage is collected. */
function giveBack({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
