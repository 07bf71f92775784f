// Named values kept by the browser in IndexedDB, for the device key and its token; not for messages.

const STORE = "identity";

export function openVault(name = "openclaw-webchat") {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onsuccess = () => resolve(new Vault(opening.result));
    opening.onerror = () => reject(opening.error);
  });
}

class Vault {
  #database;

  constructor(database) {
    this.#database = database;
  }

  get(name) {
    return this.#run("readonly", (store) => store.get(name));
  }

  put(name, value) {
    return this.#run("readwrite", (store) => store.put(value, name));
  }

  delete(name) {
    return this.#run("readwrite", (store) => store.delete(name));
  }

  /** Stores the value unless another tab was first; gives what is stored in the end. */
  async putFirst(name, value) {
    await this.#run("readwrite", (store) => store.add(value, name)).catch(() => undefined);
    return this.get(name);
  }

  #run(mode, operation) {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(STORE, mode);
      const request = operation(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? request.error);
    });
  }
}
