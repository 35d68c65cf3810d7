/** Where a platform keeps what nobody else may read: a few small named values, apart from the store. */

export type Secrets = {
  /** The value of a name, or null. */
  read(name: string): Promise<Uint8Array | null>;
  /** Replaces a value whole or not at all; it is on the disk when the promise resolves. */
  write(name: string, bytes: Uint8Array): Promise<void>;
};

/** Opens the secrets that belong to the data at `place`, making the place as needed. */
export type OpenSecrets = (place: string) => Promise<Secrets>;

/** Names are used for files. Throws `RangeError` for what could lie elsewhere. */
export function checkSecretName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw new RangeError(`no name of a secret: ${name}`);
}

/** Secrets that end with the process. */
export function memorySecrets(): Secrets {
  const values = new Map<string, Uint8Array>();
  return {
    read: async (name) => values.get(name)?.slice() ?? null,
    async write(name, bytes) {
      checkSecretName(name);
      values.set(name, bytes.slice());
    },
  };
}
