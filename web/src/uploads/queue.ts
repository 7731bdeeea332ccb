// Carries transfers to the server, one after the other, in one tab at a time. The records are the truth: a
// transfer is read again before each step, so any tab may pause or cancel it, and whichever tab is left goes on.
import { createStore } from '../store.ts';
import { asRecord, isTransient, WireFailure } from '../wire/failures.ts';
import { nextWaitMs, rest } from '../wire/waits.ts';
import { viewer } from '../stores/viewer.ts';
import { openRecords, type Records } from './records.ts';
import { takeStep, UnreadableFile, type StepResult } from './steps.ts';
import { afterConflict, afterRefusal, afterWish, nextStep, type Transfer } from './transfers.ts';

/** All unfinished transfers of whoever is signed in, oldest first. */
export const transfers = createStore<readonly Transfer[]>([]);

export interface Activity {
  /** The transfer that this tab carries. */
  id?: string;
  /** Waiting for the network or the server before the next try. */
  resting: boolean;
}

export const activity = createStore<Activity>({ resting: false });

export interface QueueListeners {
  onDone(transfer: Transfer): void;
}

const WAITS = { firstMs: 1000, mostMs: 30_000 };
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('veranda-uploads') : undefined;
const listeners: QueueListeners = { onDone: () => undefined };

let opening: Promise<Records> | undefined;
let running = false;
let carried: { id: string; controller: AbortController } | undefined;

/** Call once. Goes on with what an earlier page left. */
export function startQueue(own: QueueListeners): void {
  listeners.onDone = own.onDone;
  channel?.addEventListener('message', () => void refresh());
  viewer.subscribe(() => void refresh());
  void refresh();
}

export async function enqueue(transfer: Transfer, file: Blob): Promise<void> {
  const records = await open();
  await records.add(transfer, file);
  await announce();
}

export async function wish(id: string, what: 'pause' | 'resume' | 'cancel'): Promise<void> {
  const records = await open();
  if (what === 'cancel') await records.remove(id);
  else await records.change(id, (transfer) => afterWish(transfer, what));
  await announce();
}

export async function cancelAllOf(postId: number): Promise<void> {
  const own = transfers.get().filter((transfer) => transfer.postId === postId);
  await Promise.all(own.map((transfer) => wish(transfer.id, 'cancel')));
}

/** Of an account that is no more: nobody could go on with these. */
export async function forgetAllBy(ownerId: number): Promise<void> {
  const records = await open();
  const theirs = (await records.list()).filter((transfer) => transfer.ownerId === ownerId);
  await Promise.all(theirs.map(({ id }) => records.remove(id)));
  await announce();
}

function open(): Promise<Records> {
  opening ??= openRecords();
  return opening;
}

async function announce(): Promise<void> {
  channel?.postMessage('changed');
  await refresh();
}

/** Reads the records, drops the request of a transfer that should rest, and starts work if there is some. */
async function refresh(): Promise<void> {
  const records = await open();
  const ownerId = viewer.get().profile?.id;
  const all = await records.list();
  const own = all
    .filter((transfer) => transfer.ownerId === ownerId)
    .sort((a, b) => a.createdAt - b.createdAt);
  transfers.set(own);
  const current = own.find((transfer) => transfer.id === carried?.id);
  if (carried && current?.state !== 'waiting') carried.controller.abort();
  if (own.some((transfer) => transfer.state === 'waiting')) void run();
}

async function run(): Promise<void> {
  if (running) return;
  running = true;
  try {
    const locks: LockManager | undefined = navigator.locks;
    // Without locks (insecure contexts) two tabs may send the same chunk: the server's offsets keep that harmless.
    if (locks) await locks.request('veranda-uploads', drain);
    else await drain();
  } finally {
    running = false;
    activity.set({ resting: false });
  }
}

async function drain(): Promise<void> {
  const records = await open();
  for (;;) {
    await refresh();
    const next = transfers.get().find((transfer) => transfer.state === 'waiting');
    if (!next || !viewer.get().signedIn) return;
    const controller = new AbortController();
    carried = { id: next.id, controller };
    try {
      const goOn = await carry(records, next.id, controller.signal);
      if (!goOn) return;
    } finally {
      carried = undefined;
    }
  }
}

/** Steps until the transfer is done, resting or failed. False: nothing can go on now (signed out). */
async function carry(records: Records, id: string, signal: AbortSignal): Promise<boolean> {
  let attempt = 0;
  while (!signal.aborted) {
    const transfer = transfers.get().find((one) => one.id === id);
    if (transfer?.state !== 'waiting') return true;
    activity.set({ id, resting: false });
    try {
      const result = await takeStep({ records, transfer, step: nextStep(transfer), signal });
      attempt = 0;
      await applyResult(records, transfer, result);
    } catch (error) {
      if (signal.aborted) return true;
      if (error instanceof WireFailure && error.kind === 'expired') return false;
      if (isTransient(error)) {
        activity.set({ id, resting: true });
        const asked = error instanceof WireFailure ? error.waitMs : 0;
        await rest(Math.max(asked, nextWaitMs(attempt, WAITS, Math.random())), signal);
        attempt += 1;
      } else {
        await records.change(id, (one) => readRefusal(one, error));
        await announce();
      }
    }
  }
  return true;
}

async function applyResult(records: Records, transfer: Transfer, result: StepResult): Promise<void> {
  if (result.done) await records.remove(transfer.id);
  else await records.change(transfer.id, result.change);
  await announce();
  if (result.done) listeners.onDone(transfer);
}

function readRefusal(transfer: Transfer, error: unknown): Transfer {
  if (error instanceof UnreadableFile) return afterRefusal(transfer, 'The file can no longer be read.');
  if (!(error instanceof WireFailure)) return afterRefusal(transfer, 'This page could not read the file.');
  const { offset } = asRecord(error.body);
  if (error.status === 409 && transfer.kind === 'video') return afterConflict(transfer, offset);
  return afterRefusal(transfer, error.message);
}
