/** Tables in a browser: one IndexedDB database with one object store. It answers later only: no `peek`. */
import { afterPrefix, type OpenTable, TableError } from "./table.ts";

const STORE = "table";

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB request failed"));
  });
}

function open(place: string, create: boolean): Promise<IDBDatabase> {
  const request = indexedDB.open(place, 1);
  request.onupgradeneeded = () => {
    if (create) request.result.createObjectStore(STORE);
    // Ending the upgrade leaves no database behind.
    else request.transaction?.abort();
  };
  return settled(request).catch((cause: unknown) => {
    if (create) throw cause;
    throw new TableError({ code: "MISSING", place }, `there is no database ${place}`, { cause });
  });
}

export const openTable: OpenTable = async (place, { create = true, reset = false } = {}) => {
  const database = await open(place, create);
  if (reset) {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    await settled(transaction.objectStore(STORE).clear());
  }
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
    async between(low, high, { limit, descending }) {
      // Of a range that holds nothing the browser makes an error.
      if (indexedDB.cmp(low, high) >= 0) return [];
      const bounds = IDBKeyRange.bound(low, high, false, true);
      const found: (readonly [Uint8Array, Uint8Array])[] = [];
      const request = read().openCursor(bounds, descending ? "prev" : "next");
      return new Promise((resolve, reject) => {
        request.onerror = () => reject(request.error ?? new Error("IndexedDB request failed"));
        request.onsuccess = () => {
          const cursor = request.result;
          if (cursor !== null) found.push([new Uint8Array(cursor.key as ArrayBuffer), cursor.value as Uint8Array]);
          if (cursor === null || found.length >= limit) resolve(found);
          else cursor.continue();
        };
      });
    },
    change(changes, { sync = false } = {}) {
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
