import { expect, test } from 'vitest';
import { createPlace, createRecovery, type Playing } from './playback-recovery.ts';

/** A video element without a video: its place is what it is told. */
class Stage extends EventTarget {
  currentTime = 0;
  paused = true;

  async play(): Promise<void> {
    this.paused = false;
  }

  tell(event: string): void {
    this.dispatchEvent(new Event(event));
  }

  playTo(seconds: number): void {
    this.currentTime = seconds;
    this.tell('timeupdate');
  }

  /** As an element is when its source is taken away. */
  lose(): void {
    Object.assign(this, { currentTime: 0, paused: true });
    this.tell('timeupdate');
  }
}

const stand = (at: number, paused: boolean): Stage => Object.assign(new Stage(), { currentTime: at, paused });
const asVideo = (stage: Stage): Playing => stage as unknown as Playing;

test('what played goes on where it was, also when it fails again before it is there', () => {
  const stage = stand(20, false);
  const place = createPlace(asVideo(stage));
  expect(place.keep()).toBe(20);
  stage.lose();
  expect(place.keep()).toBe(20);
  stage.lose();
  stage.tell('loadedmetadata');
  expect(stage.paused).toBe(false);
  stage.playTo(21);
  stage.tell('canplay');
  expect(place.keep()).toBe(21);
});

test('what rested rests', () => {
  const stage = stand(20, true);
  const place = createPlace(asVideo(stage));
  expect(place.keep()).toBe(20);
  stage.lose();
  stage.tell('loadedmetadata');
  expect(stage.paused).toBe(true);
});

test('what a viewer began to play while it was loaded plays, also when that failed', () => {
  const stage = stand(20, true);
  const place = createPlace(asVideo(stage));
  place.keep();
  stage.paused = false;
  expect(place.keep()).toBe(20);
  stage.lose();
  stage.tell('loadedmetadata');
  expect(stage.paused).toBe(false);
});

test('what was loaded for another reason does not begin to play', () => {
  const stage = stand(0, true);
  const place = createPlace(asVideo(stage));
  stage.tell('loadedmetadata');
  stage.tell('canplay');
  expect([stage.paused, place.keep()]).toEqual([true, 0]);
});

test('failures count until the video has got past them, however many there are over hours', () => {
  const stage = new Stage();
  const recovery = createRecovery(asVideo(stage));
  const failures = (...places: number[]): boolean[] => places.map((at) => recovery.mayTry(at));
  for (const at of [100, 200, 300, 400, 500]) {
    expect(failures(at)).toEqual([true]);
    stage.lose();
    stage.playTo(at + 3);
  }
  expect(failures(600, 600, 601)).toEqual([true, true, true]);
  // What stands before the failure plays each time.
  stage.playTo(601.5);
  expect(failures(601.5)).toEqual([false]);
});
