// Unfinished transfers and their files in IndexedDB, shared by all tabs and there after a reload. States and files
// are apart, so that a step forward never rewrites the file. Where the browser keeps nothing (private
// windows, full disk) transfers live in this tab's memory alone.
import type { Transfer } from './transfers.ts';

export interface Records {
  list(): Promise<Transfer[]>;
  /** Answers the transfer as kept: `kept` tells whether a reload will find its file. */
  add(transfer: Transfer, file: Blob): Promise<Transfer>;
  /** Reads, changes and writes in one transaction; `undefined` where the transfer is gone. */
  change(id: string, change: (transfer: Transfer) => Transfer): Promise<Transfer | undefined>;
  remove(id: string): Promise<void>;
  file(id: string): Promise<Blob | undefined>;
}

const STATES = 'states';
const FILES = 'files';

export async function openRecords(): Promise<Records> {
  const memory = rememberInMemory();
  try {
    const database = await openDatabase();
    return withFallback(keepInDatabase(database), memory);
  } catch {
    return memory;
  }
}

function keepInDatabase(database: IDBDatabase): Records {
  const begin = (names: string[], mode: IDBTransactionMode): IDBTransaction =>
    database.transaction(names, mode);
  return {
    async list() {
      return settle<Transfer[]>(begin([STATES], 'readonly').objectStore(STATES).getAll());
    },
    async add(transfer, file) {
      const kept = { ...transfer, kept: true };
      const transaction = begin([STATES, FILES], 'readwrite');
      transaction.objectStore(FILES).put(file, transfer.id);
      transaction.objectStore(STATES).put(kept);
      await finish(transaction);
      return kept;
    },
    async change(id, change) {
      const transaction = begin([STATES], 'readwrite');
      const states = transaction.objectStore(STATES);
      const found = await settle<Transfer | undefined>(states.get(id));
      if (!found) return undefined;
      const changed = change(found);
      states.put(changed);
      await finish(transaction);
      return changed;
    },
    async remove(id) {
      const transaction = begin([STATES, FILES], 'readwrite');
      transaction.objectStore(STATES).delete(id);
      transaction.objectStore(FILES).delete(id);
      await finish(transaction);
    },
    async file(id) {
      return settle<Blob | undefined>(begin([FILES], 'readonly').objectStore(FILES).get(id));
    },
  };
}

function rememberInMemory(): Records {
  const states = new Map<string, Transfer>();
  const files = new Map<string, Blob>();
  return {
    list: async () => [...states.values()],
    async add(transfer, file) {
      states.set(transfer.id, transfer);
      files.set(transfer.id, file);
      return transfer;
    },
    async change(id, change) {
      const found = states.get(id);
      if (!found) return undefined;
      const changed = change(found);
      states.set(id, changed);
      return changed;
    },
    async remove(id) {
      states.delete(id);
      files.delete(id);
    },
    file: async (id) => files.get(id),
  };
}

function withFallback(kept: Records, memory: Records): Records {
  return {
    list: async () => [...(await kept.list()), ...(await memory.list())],
    add: (transfer, file) => kept.add(transfer, file).catch(() => memory.add(transfer, file)),
    change: async (id, change) => (await memory.change(id, change)) ?? (await kept.change(id, change)),
    async remove(id) {
      await memory.remove(id);
      await kept.remove(id);
    },
    file: async (id) => (await memory.file(id)) ?? (await kept.file(id)),
  };
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open('veranda-uploads', 1);
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore(STATES, { keyPath: 'id' });
    request.result.createObjectStore(FILES);
  });
  return settle(request);
}

function settle<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('database')));
  });
}

function finish(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(transaction.error ?? new Error('database'));
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('error', fail);
    transaction.addEventListener('abort', fail);
  });
}
