/** Tables in a browser: one IndexedDB database with one object store. It answers later only: no `peek`. */
import { afterPrefix, type OpenTable } from "./table.ts";

const STORE = "table";

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB request failed"));
  });
}

function open(place: string): Promise<IDBDatabase> {
  const request = indexedDB.open(place, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

export const openTable: OpenTable = async (place) => {
  const database = await open(place);
  const read = (): IDBObjectStore => database.transaction(STORE, "readonly").objectStore(STORE);
  return {
    async get(key) {
      return (await settled(read().get(key as BufferSource as IDBValidKey))) as Uint8Array | undefined;
    },
    async range(prefix) {
      const end = afterPrefix(prefix);
      const bounds = end === undefined ? IDBKeyRange.lowerBound(prefix) : IDBKeyRange.bound(prefix, end, false, true);
      const store = read();
      const [keys, values] = await Promise.all([settled(store.getAllKeys(bounds)), settled(store.getAll(bounds))]);
      return keys.map((key, i) => [new Uint8Array(key as ArrayBuffer), values[i] as Uint8Array] as const);
    },
    change(changes, sync) {
      return new Promise((resolve, reject) => {
        const transaction = database.transaction(STORE, "readwrite", { durability: sync ? "strict" : "default" });
        const store = transaction.objectStore(STORE);
        for (const { key, value } of changes) {
          if (value === null) store.delete(key as BufferSource as IDBValidKey);
          else store.put(value, key as BufferSource as IDBValidKey);
        }
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB transaction aborted"));
      });
    },
    async close() {
      database.close();
    },
  };
};
