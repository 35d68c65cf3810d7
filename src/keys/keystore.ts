/**
 * Keys at rest: one secret of the node, "keystore", apart from the store. It is JSON: `{ "format": 1, "default": address or
 * null, "keys": { address: record in base64 } }`, replaced as a whole at every change.
 *
 * Record: "FGK1" ‖ scrypt log2(N) (1 byte) ‖ salt (16) ‖ nonce (24) ‖ XChaCha20-Poly1305 of (type byte ‖ 32-byte secret),
 * the address text being authenticated with it. The passphrase key is scrypt(N = 2^15, r = 8, p = 1), 32 bytes. Only a
 * local network, whose keys are public anyway, may use the passphrase ""; what everybody knows is not worth the time that
 * guessing should cost, so N is 2^10 there.
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { concat, equal, fromBase64, fromUtf8, toBase64, utf8 } from "../base/bytes.ts";
import type { Rewind } from "../base/rewind.ts";
import { Turns } from "../base/turns.ts";
import type { Secrets } from "../platform/secrets.ts";
import { Address, type NetworkPrefix } from "../types/address.ts";
import { addressOf, type KeyCrypto, KeyError, type KeyInfo } from "./keys.ts";

const SECRET_NAME = "keystore";
const FORMAT = 1;
const MAGIC = utf8("FGK1");
const LOG_N = 15;
/** Of the passphrase "", which hides nothing. */
const OPEN_LOG_N = 10;
const SALT = 16;
const NONCE = 24;

export type KeystoreParts = {
  readonly secrets: Secrets;
  readonly crypto: KeyCrypto;
  /** Of addresses in what people read; the file spells all as the main network does. */
  readonly prefix: NetworkPrefix;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Whether the keys are of a local network: then the passphrase may be empty. */
  readonly local: boolean;
};

type Entry = { readonly key: KeyInfo; readonly record: Uint8Array };
type Stored = { format: number; default: string | null; keys: Record<string, string> };

export class Keystore {
  private readonly parts: KeystoreParts;
  private readonly passphrase: string;
  private entries = new Map<string, Entry>();
  private chosen: string | null = null;
  private kept = false;
  private readonly derived = new Map<string, Uint8Array>();
  /** Changes follow one another: each is a whole file. */
  private readonly changes = new Turns();

  private constructor(parts: KeystoreParts, passphrase: string) {
    this.parts = parts;
    this.passphrase = passphrase;
  }

  /**
   * Opens every key. Throws `KeyError`: LOCKED if the passphrase is wrong, NO_PASSPHRASE if it is empty and the network
   * not local, BAD_KEYSTORE for what is no keystore.
   */
  static async open(parts: KeystoreParts, passphrase: string): Promise<Keystore> {
    if (passphrase === "" && !parts.local)
      throw new KeyError({ code: "NO_PASSPHRASE" }, "keys of this network need a passphrase that is not empty");
    const keystore = new Keystore(parts, passphrase);
    const bytes = await parts.secrets.read(SECRET_NAME);
    if (bytes === null) return keystore;
    const stored = parse(bytes);
    let locked: unknown = null;
    for (const [name, text] of Object.entries(stored.keys)) {
      try {
        const record = fromBase64(text);
        keystore.entries.set(name, { key: keystore.decrypt(name, record), record });
      } catch (error) {
        if (!(error instanceof KeyError && error.code === "LOCKED")) throw error;
        locked = error;
      }
    }
    // A passphrase that opens one key is right.
    if (locked !== null && keystore.entries.size > 0) return damaged("record", locked);
    if (locked !== null) throw locked;
    keystore.chosen = stored.default;
    keystore.kept = true;
    return keystore;
  }

  /** Whether nothing was ever kept: no key, and none that was removed. */
  get isNew(): boolean {
    return !this.kept;
  }

  /** Adds a key and returns its address. Keys already there stay as they are. */
  async add(key: KeyInfo): Promise<Address> {
    return (await this.addAll([key]))[0] as Address;
  }

  /** Adds keys, all or none. The first key of an empty keystore becomes the default. */
  addAll(keys: readonly KeyInfo[]): Promise<Address[]> {
    const addresses = keys.map((key) => addressOf(this.parts.crypto, key));
    return this.change((entries, chosen) => {
      keys.forEach((key, i) => {
        const name = (addresses[i] as Address).toString();
        if (!entries.has(name)) entries.set(name, { key, record: this.encrypt(name, key) });
      });
      return { result: addresses, chosen: chosen ?? addresses[0]?.toString() ?? null };
    });
  }

  remove(address: Address): Promise<void> {
    return this.change((entries, chosen) => {
      this.get(address);
      entries.delete(address.toString());
      return { result: undefined, chosen: chosen === address.toString() ? null : chosen };
    });
  }

  list(): Address[] {
    return [...this.entries.keys()].sort().map((name) => Address.parse(name));
  }

  has(address: Address): boolean {
    return this.entries.has(address.toString());
  }

  /** The key of an address; throws `KeyError` UNKNOWN_KEY. */
  get(address: Address): KeyInfo {
    const entry = this.entries.get(address.toString());
    if (entry !== undefined) return entry.key;
    const text = address.toString(this.parts.prefix);
    throw new KeyError({ code: "UNKNOWN_KEY", address: text }, `no key for ${text} in this wallet`);
  }

  /** The default address as the file spells it. */
  get chosenName(): string | null {
    return this.chosen;
  }

  async defaultAddress(): Promise<Address | null> {
    return this.chosen === null ? null : Address.parse(this.chosen);
  }

  setDefault(address: Address): Promise<void> {
    return this.change(() => {
      this.get(address);
      return { result: undefined, chosen: address.toString() };
    });
  }

  /** The keys of now; the function that is given takes away those that came since and brings back those that went. */
  remember(): Rewind {
    // Never changed, only replaced.
    const { entries: kept, chosen } = this;
    return async () => {
      if (this.entries === kept && this.chosen === chosen) return;
      await this.change((entries) => {
        entries.clear();
        for (const [name, entry] of kept) entries.set(name, entry);
        return { result: undefined, chosen };
      });
    };
  }

  /** Holds these keys from now on, and no others; `chosen` is the default. */
  async become(keys: readonly KeyInfo[], chosen: string | null): Promise<void> {
    await this.change((entries) => {
      const names = keys.map((key) => addressOf(this.parts.crypto, key).toString());
      const known = new Map(entries);
      entries.clear();
      names.forEach((name, i) => {
        const key = keys[i] as KeyInfo;
        entries.set(name, known.get(name) ?? { key, record: this.encrypt(name, key) });
      });
      return { result: undefined, chosen: chosen !== null && entries.has(chosen) ? chosen : null };
    });
  }

  /** Makes a change on a copy, writes it, and only then lets it hold. */
  private change<Result>(
    make: (entries: Map<string, Entry>, chosen: string | null) => { result: Result; chosen: string | null },
  ): Promise<Result> {
    return this.changes.run(async () => {
      const entries = new Map(this.entries);
      const { result, chosen } = make(entries, this.chosen);
      const keys = Object.fromEntries([...entries].map(([name, { record }]) => [name, toBase64(record)]));
      const stored: Stored = { format: FORMAT, default: chosen, keys };
      await this.parts.secrets.write(SECRET_NAME, utf8(`${JSON.stringify(stored, null, 1)}\n`));
      this.entries = entries;
      this.chosen = chosen;
      this.kept = true;
      return result;
    });
  }

  private keyFor(salt: Uint8Array, logN: number): Uint8Array {
    const id = `${logN}/${salt.join()}`;
    let key = this.derived.get(id);
    if (key === undefined) {
      key = scrypt(utf8(this.passphrase), salt, { N: 2 ** logN, r: 8, p: 1, dkLen: 32 });
      this.derived.set(id, key);
    }
    return key;
  }

  private salt(): Uint8Array {
    // One salt per session: the slow derivation is paid once, nonces keep the records apart.
    this.sessionSalt ??= this.parts.randomBytes(SALT);
    return this.sessionSalt;
  }

  private sessionSalt: Uint8Array | undefined;

  private encrypt(name: string, key: KeyInfo): Uint8Array {
    const salt = this.salt();
    const nonce = this.parts.randomBytes(NONCE);
    const plain = concat(Uint8Array.of(key.type === "bls" ? 2 : 1), key.secret);
    const logN = this.passphrase === "" ? OPEN_LOG_N : LOG_N;
    const sealed = xchacha20poly1305(this.keyFor(salt, logN), nonce, utf8(name)).encrypt(plain);
    return concat(MAGIC, Uint8Array.of(logN), salt, nonce, sealed);
  }

  private decrypt(name: string, record: Uint8Array): KeyInfo {
    const logN = record[MAGIC.length] ?? 0;
    if (!equal(record.subarray(0, 4), MAGIC) || logN < 10 || logN > 20)
      throw new KeyError(
        { code: "BAD_KEYSTORE", reason: "header" },
        `the stored key of ${Address.parse(name).toString(this.parts.prefix)} has an unknown form`,
      );
    const salt = record.slice(5, 5 + SALT);
    const nonce = record.slice(5 + SALT, 5 + SALT + NONCE);
    try {
      const cipher = xchacha20poly1305(this.keyFor(salt, logN), nonce, utf8(name));
      const plain = cipher.decrypt(record.slice(5 + SALT + NONCE));
      return { type: plain[0] === 2 ? "bls" : "secp256k1", secret: plain.slice(1) };
    } catch (cause) {
      throw new KeyError({ code: "LOCKED" }, "wrong passphrase for this wallet (or its only key is damaged)", {
        cause,
      });
    }
  }
}

function parse(bytes: Uint8Array): Stored {
  try {
    const stored = JSON.parse(fromUtf8(bytes)) as Partial<Stored> | null;
    const { format, keys, default: chosen = null } = stored ?? {};
    const isText = (value: unknown): boolean => typeof value === "string";
    if (format === FORMAT && typeof keys === "object" && keys !== null && Object.values(keys).every(isText)) {
      for (const name of Object.keys(keys)) Address.parse(name);
      if (chosen === null || Object.hasOwn(keys, chosen)) return { format, keys, default: chosen };
    }
  } catch {
    // Said below.
  }
  return damaged("form");
}

function damaged(reason: string, cause?: unknown): never {
  throw new KeyError(
    { code: "BAD_KEYSTORE", reason },
    'the file "keystore" among the secrets is damaged; restore it from a copy, or move it away and start again ' +
      "(the chain stays, and a local network's own accounts come back; keys that you made are only in that file)",
    cause === undefined ? undefined : { cause },
  );
}

/** The key of an address; null if it is not there, or is being removed. */
export function keyIn(keystore: Pick<Keystore, "has" | "get">, address: Address): KeyInfo | null {
  return keystore.has(address) ? keystore.get(address) : null;
}
