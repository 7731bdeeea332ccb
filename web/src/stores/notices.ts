// Short messages at the foot of the page; each leaves by itself or is dismissed.
import { createStore } from '../store.ts';
import { explain } from '../wire/failures.ts';

export interface Notice {
  id: number;
  text: string;
  tone: 'calm' | 'trouble';
  action?: NoticeAction;
}

export interface NoticeAction {
  label: string;
  run: () => void;
}

export const notices = createStore<readonly Notice[]>([]);

const STAY_MS = 6000;
const STAY_WITH_ACTION_MS = 15_000;
let lastId = 0;

export function tell(text: string): void {
  show({ text, tone: 'calm' });
}

/** Says what went wrong; `retry` puts a button beside it. */
export function tellTrouble(error: unknown, retry?: () => void): void {
  const text = explain(error);
  show(
    retry ? { text, tone: 'trouble', action: { label: 'Try again', run: retry } } : { text, tone: 'trouble' },
  );
}

export function dismiss(id: number): void {
  notices.set(notices.get().filter((notice) => notice.id !== id));
}

function show(notice: Omit<Notice, 'id'>): void {
  lastId += 1;
  const id = lastId;
  const others = notices.get().filter((other) => other.text !== notice.text);
  notices.set([...others.slice(-2), { ...notice, id }]);
  setTimeout(() => dismiss(id), notice.action ? STAY_WITH_ACTION_MS : STAY_MS);
}
