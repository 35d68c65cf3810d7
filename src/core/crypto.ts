/**
 * The typed face of `crypto.wasm`, or of its SIMD build where the engine has SIMD: hashes, and signatures over BLS12-381 and secp256k1.
 *
 * @example
 * const crypto = await loadCrypto();
 * const digest = crypto.blake2b256(message);
 */
import { useDigests } from "../base/digests.ts";
import { checkNames } from "../base/options.ts";
import { CRYPTO_SIMD_WASM, CRYPTO_WASM } from "./assets/crypto.ts";
import type { Bls, BlsExports } from "./bls.ts";
import { blsOf } from "./bls.ts";
import type { HashExports, Hashes } from "./hashes.ts";
import { hashesOf } from "./hashes.ts";
import { type ExportKinds, Instance } from "./instance.ts";
import type { WasmSource } from "./load.ts";
import { compileModule } from "./load.ts";
import type { Secp256k1, Secp256k1Exports } from "./secp256k1.ts";
import { secp256k1Of } from "./secp256k1.ts";
import { chooseBuild } from "./simd.ts";

export type Crypto = Hashes &
  Bls & {
    readonly secp256k1: Secp256k1;
  };

export type CryptoOptions = {
  /** Take the SIMD build; by default where the engine validates it. */
  readonly simd?: boolean;
  /** The module's bytes, or the module compiled; by default the platform's own asset. */
  readonly source?: WasmSource;
};

type CryptoExports = HashExports & BlsExports & Secp256k1Exports;

const CRYPTO_EXPORTS: ExportKinds<CryptoExports> = {
  scratchPtr: "function",
  contextPtr: "function",
  sha256: "function",
  sha256Init: "function",
  sha256Update: "function",
  sha256Final: "function",
  keccak256: "function",
  keccak256Init: "function",
  keccak256Update: "function",
  keccak256Final: "function",
  blake2b: "function",
  blake2bInit: "function",
  blake2bInitKeyed: "function",
  blake2bUpdate: "function",
  blake2bFinal: "function",
  blsPublicKey: "function",
  blsPublicKeyLong: "function",
  blsSign: "function",
  blsSignShort: "function",
  blsVerify: "function",
  blsVerifyShort: "function",
  blsAggregate: "function",
  blsAggregateInit: "function",
  blsAggregateUpdate: "function",
  blsAggregateFinal: "function",
  blsBatchInit: "function",
  blsBatchAdd: "function",
  blsBatchFinal: "function",
  blsPublicKeyIsValid: "function",
  blsKeyFromSeed: "function",
  drandVerify: "function",
  drandVerifyQuicknet: "function",
  secp256k1PublicKey: "function",
  secp256k1Sign: "function",
  secp256k1Verify: "function",
  secp256k1Recover: "function",
};

/**
 * Loads the module once and returns a face on a new instance of it, about 4 MiB.
 * Its functions answer synchronously and share that instance: use one face per thread.
 */
export async function loadCrypto(options: CryptoOptions = {}): Promise<Crypto> {
  checkNames<CryptoOptions>("loadCrypto", options, { simd: true, source: true });
  const asset = chooseBuild({ plain: CRYPTO_WASM, simd: CRYPTO_SIMD_WASM }, options.simd);
  const module = await compileModule(asset, options.source);
  const instance = await Instance.create<CryptoExports>(module, { name: asset.name }, CRYPTO_EXPORTS);
  const hashes = hashesOf(instance);
  if (options.source === undefined) useDigests(hashes);
  return { ...hashes, ...blsOf(instance), secp256k1: secp256k1Of(instance) };
}
