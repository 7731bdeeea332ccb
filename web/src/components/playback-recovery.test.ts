import { expect, test } from 'vitest';
import { type DirectPlayback, playDirectly } from './direct-playback.ts';
import { createPlace, createRecovery } from './playback-recovery.ts';

/** A video element without a video: its place is what it is told. */
class Stage extends EventTarget {
  currentTime = 0;
  paused = true;
  src = '';

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

  removeAttribute(): void {
    this.src = '';
  }

  load(): void {
    this.lose();
  }
}

const stand = (at: number, paused: boolean): Stage => Object.assign(new Stage(), { currentTime: at, paused });
const asVideo = (stage: Stage): DirectPlayback['video'] => stage as unknown as DirectPlayback['video'];

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

test('what is given up begins where it was when it is tried again, as often as that takes', () => {
  const stage = stand(20, false);
  const place = createPlace(asVideo(stage));
  expect(place.from()).toBe(0);
  for (let tries = 0; tries < 3; tries += 1) {
    place.keep();
    stage.lose();
    expect(place.from()).toBe(20);
  }
  stage.tell('loadedmetadata');
  expect(stage.paused).toBe(false);
  stage.playTo(20);
  stage.tell('canplay');
  expect(place.from()).toBe(0);
});

test('so does what the browser plays by itself', () => {
  const stage = stand(0, true);
  const place = createPlace(asVideo(stage));
  let broken = 0;
  const play = (): (() => void) =>
    playDirectly({ video: asVideo(stage), source: 'film.mp4', place, onBroken: () => (broken += 1) });
  let stop = play();
  stage.tell('loadedmetadata');
  expect([stage.src, stage.currentTime, stage.paused]).toEqual(['film.mp4', 0, true]);
  stage.tell('canplay');
  Object.assign(stage, { currentTime: 20, paused: false });
  for (let tries = 0; tries < 2; tries += 1) {
    stage.tell('error');
    stop();
    stop = play();
  }
  expect([broken, stage.currentTime]).toEqual([2, 0]);
  stage.tell('loadedmetadata');
  expect([stage.currentTime, stage.paused]).toEqual([20, false]);
  stop();
  stage.tell('error');
  expect([broken, stage.src]).toEqual([2, '']);
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
