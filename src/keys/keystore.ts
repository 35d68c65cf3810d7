/**
 * Keys at rest: one encrypted fact per address in the node's store.
 *
 * Record: "FGK1" ‖ scrypt log2(N) (1 byte) ‖ salt (16) ‖ nonce (24) ‖ XChaCha20-Poly1305 of (type byte ‖ 32-byte secret),
 * the address text being authenticated with it. The passphrase key is scrypt(N = 2^15, r = 8, p = 1), 32 bytes. A
 * development network uses the passphrase "" and says so: its keys are public anyway.
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { concat, equal, utf8 } from "../base/bytes.ts";
import type { BlockStore } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { addressOf, type KeyCrypto, KeyError, type KeyInfo } from "./keys.ts";

const MAGIC = utf8("FGK1");
const LOG_N = 15;
const SALT = 16;
const NONCE = 24;
const PREFIX = "key/";
const DEFAULT = "wallet/default";

export type KeystoreParts = {
  readonly store: BlockStore;
  readonly crypto: KeyCrypto;
  readonly randomBytes: (length: number) => Uint8Array;
};

export class Keystore {
  private readonly parts: KeystoreParts;
  private readonly passphrase: string;
  private readonly open = new Map<string, KeyInfo>();
  private readonly derived = new Map<string, Uint8Array>();

  private constructor(parts: KeystoreParts, passphrase: string) {
    this.parts = parts;
    this.passphrase = passphrase;
  }

  /** Opens every key of the store; throws `KeyError` LOCKED if the passphrase is wrong. */
  static async open(parts: KeystoreParts, passphrase: string): Promise<Keystore> {
    const keystore = new Keystore(parts, passphrase);
    for (const [name, record] of await parts.store.facts(PREFIX)) {
      const address = name.slice(PREFIX.length);
      keystore.open.set(address, keystore.decrypt(address, record));
    }
    return keystore;
  }

  /** Adds a key and returns its address. Keys already there stay as they are. */
  async add(key: KeyInfo): Promise<Address> {
    const address = addressOf(this.parts.crypto, key);
    const name = address.toString();
    if (this.open.has(name)) return address;
    await this.parts.store.write({ facts: [[PREFIX + name, this.encrypt(name, key)]] }, { sync: true });
    this.open.set(name, key);
    if ((await this.defaultAddress()) === null) await this.setDefault(address);
    return address;
  }

  async remove(address: Address): Promise<void> {
    this.get(address);
    const facts: [string, null][] = [[PREFIX + address.toString(), null]];
    if ((await this.defaultAddress())?.equals(address) === true) facts.push([DEFAULT, null]);
    await this.parts.store.write({ facts }, { sync: true });
    this.open.delete(address.toString());
  }

  list(): Address[] {
    return [...this.open.keys()].sort().map((name) => Address.parse(name));
  }

  has(address: Address): boolean {
    return this.open.has(address.toString());
  }

  /** The key of an address; throws `KeyError` UNKNOWN_KEY. */
  get(address: Address): KeyInfo {
    const key = this.open.get(address.toString());
    if (key === undefined)
      throw new KeyError({ code: "UNKNOWN_KEY", address: `${address}` }, `no key for ${address} in this wallet`);
    return key;
  }

  async defaultAddress(): Promise<Address | null> {
    const fact = await this.parts.store.fact(DEFAULT);
    return fact === undefined ? null : Address.fromBytes(fact);
  }

  async setDefault(address: Address): Promise<void> {
    this.get(address);
    await this.parts.store.write({ facts: [[DEFAULT, address.bytes]] }, { sync: true });
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
    const sealed = xchacha20poly1305(this.keyFor(salt, LOG_N), nonce, utf8(name)).encrypt(plain);
    return concat(MAGIC, Uint8Array.of(LOG_N), salt, nonce, sealed);
  }

  private decrypt(name: string, record: Uint8Array): KeyInfo {
    const logN = record[MAGIC.length] ?? 0;
    if (!equal(record.subarray(0, 4), MAGIC) || logN < 10 || logN > 20)
      throw new KeyError({ code: "BAD_KEYSTORE", reason: "header" }, `the stored key of ${name} has an unknown form`);
    const salt = record.slice(5, 5 + SALT);
    const nonce = record.slice(5 + SALT, 5 + SALT + NONCE);
    try {
      const cipher = xchacha20poly1305(this.keyFor(salt, logN), nonce, utf8(name));
      const plain = cipher.decrypt(record.slice(5 + SALT + NONCE));
      return { type: plain[0] === 2 ? "bls" : "secp256k1", secret: plain.slice(1) };
    } catch (cause) {
      throw new KeyError({ code: "LOCKED" }, "wrong passphrase for this wallet", { cause });
    }
  }
}
