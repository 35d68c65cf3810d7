/**
 * The typed face of `crypto.wasm`: hashes, and signatures over BLS12-381 and secp256k1.
 *
 * @example
 * const crypto = await loadCrypto();
 * const digest = crypto.blake2b256(message);
 */
import type { Bls, BlsExports } from "./bls.ts";
import { blsOf } from "./bls.ts";
import type { HashExports, Hashes } from "./hashes.ts";
import { hashesOf } from "./hashes.ts";
import { Instance } from "./instance.ts";
import type { WasmSource } from "./load.ts";
import { compileModule } from "./load.ts";
import type { Secp256k1, Secp256k1Exports } from "./secp256k1.ts";
import { secp256k1Of } from "./secp256k1.ts";

export type Crypto = Hashes &
  Bls & {
    readonly secp256k1: Secp256k1;
  };

export type CryptoOptions = {
  /** The module's bytes, or the module compiled; by default the platform's own asset. */
  readonly source?: WasmSource;
};

const ASSET = "crypto.wasm";

/**
 * Loads the module once and returns a face on a new instance of it, about 4 MiB.
 * Its functions answer synchronously and share that instance: use one face per thread.
 */
export async function loadCrypto(options: CryptoOptions = {}): Promise<Crypto> {
  const module = await compileModule(ASSET, options.source);
  const instance = await Instance.create<HashExports & BlsExports & Secp256k1Exports>(module, { name: ASSET }, [
    "contextPtr",
    "scratchPtr",
  ]);
  return { ...hashesOf(instance), ...blsOf(instance), secp256k1: secp256k1Of(instance) };
}
