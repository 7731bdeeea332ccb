import { describe, expect, test } from 'vitest';
import {
  afterChunk,
  afterConflict,
  afterRefusal,
  afterWish,
  CHUNK_BYTES,
  makeLabel,
  nextStep,
  progressOf,
  type Transfer,
} from './transfers.ts';

function video(size: number, more: Partial<Transfer> = {}): Transfer {
  return {
    id: 'a',
    kind: 'video',
    postId: 1,
    ownerId: 2,
    label: 'label',
    name: 'x.mp4',
    size,
    offset: 0,
    state: 'waiting',
    conflicts: 0,
    createdAt: 0,
    kept: true,
    ...more,
  };
}

/** A server that keeps bytes by count: accepts at its own place, else says where it stands. */
function walk(start: Transfer, server: { offset: number }, loseAnswer: (call: number) => boolean): Transfer {
  let transfer = start;
  for (let call = 0; call < 100; call += 1) {
    const step = nextStep(transfer);
    if (step.kind !== 'chunk') return transfer;
    if (step.from !== server.offset) {
      transfer = afterConflict(transfer, server.offset);
      continue;
    }
    server.offset = step.to;
    if (!loseAnswer(call)) transfer = afterChunk(transfer, { to: step.to, mediaId: 9 });
  }
  throw new Error('never ends');
}

describe('a video', () => {
  test.each([1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])(
    'of %i bytes arrives whole',
    (size) => {
      const server = { offset: 0 };
      const end = walk(video(size), server, () => false);
      expect(server.offset).toBe(size);
      expect(nextStep(end)).toEqual({ kind: 'finalize', mediaId: 9 });
      expect(progressOf(end)).toBe(1);
    },
  );

  test('arrives whole though most answers are lost', () => {
    const server = { offset: 0 };
    const end = walk(video(20 * CHUNK_BYTES + 7), server, (call) => call % 5 !== 0);
    expect(server.offset).toBe(end.size);
    expect(nextStep(end).kind).toBe('finalize');
  });

  test('whose every answer was lost asks for its media id with an empty chunk', () => {
    const atEnd = afterConflict(video(10), 10);
    expect(nextStep(atEnd)).toEqual({ kind: 'chunk', from: 10, to: 10 });
    expect(nextStep(afterChunk(atEnd, { to: 10, mediaId: 4 }))).toEqual({ kind: 'finalize', mediaId: 4 });
  });

  test('goes back when the server lost what it had', () => {
    const back = afterConflict(video(4 * CHUNK_BYTES, { offset: 3 * CHUNK_BYTES, mediaId: 9 }), 0);
    expect(nextStep(back)).toEqual({ kind: 'chunk', from: 0, to: CHUNK_BYTES });
  });

  test.each([undefined, '5', -1, 1.5, 11, Number.NaN])(
    'fails where the server claims to stand at %s',
    (offset) => {
      expect(afterConflict(video(10), offset).state).toBe('failed');
    },
  );

  test('fails when page and server disagree again and again, and starts counting anew after a byte', () => {
    let transfer = video(10, { offset: 3 });
    for (let time = 0; time < 5; time += 1) transfer = afterConflict(transfer, 3);
    expect(transfer.state).toBe('waiting');
    expect(afterConflict(transfer, 3).state).toBe('failed');
    expect(afterConflict(afterChunk(transfer, { to: 5, mediaId: 1 }), 3).state).toBe('waiting');
  });
});

test('a picture is one request', () => {
  expect(nextStep(video(5 * CHUNK_BYTES, { kind: 'picture' }))).toEqual({ kind: 'picture' });
});

test('going on after a failure forgets the problem and keeps the place', () => {
  const failed = afterRefusal(video(10, { offset: 4, conflicts: 5 }), 'No.');
  expect(afterWish(failed, 'resume')).toEqual(video(10, { offset: 4 }));
  expect(afterWish(video(10, { offset: 4 }), 'pause')).toEqual(video(10, { offset: 4, state: 'paused' }));
});

test('a label names post, person, moment and file', () => {
  const at = new Date('2026-01-02T03:04:05.678Z');
  const label = makeLabel({ postId: 7, username: 'ann', at, random: 'abcdefghij', name: 'clip one.mp4' });
  expect(label).toBe('7-ann-2026-01-02T03:04:05.678Z-abcdefghij-clip one.mp4');
});
