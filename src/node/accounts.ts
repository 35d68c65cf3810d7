/** The funded accounts of a local network: their keys follow from the seed and are public. */
import { toHex } from "../base/bytes.ts";
import type { Crypto } from "../core/crypto.ts";
import { addressOf, deriveKey, type KeyInfo } from "../keys/keys.ts";
import { Address } from "../types/address.ts";

export type DevAccount = {
  /** ID address of the secp256k1 account. */
  readonly id: Address;
  readonly blsId: Address;
  readonly secp256k1: Address;
  readonly bls: Address;
  /** 0x forms of the two ID addresses. */
  readonly ethereum: string;
  readonly blsEthereum: string;
  readonly keys: { readonly secp256k1: KeyInfo; readonly bls: KeyInfo };
  /** attoFIL at genesis, on each of the two addresses */
  readonly balance: bigint;
};

/** Ids are given from here on, two an account. */
const FIRST_ID = 100n;

export function makeAccounts(crypto: Crypto, seed: string, count: number, balance: bigint): DevAccount[] {
  return Array.from({ length: count }, (_, i) => {
    const keys = {
      secp256k1: deriveKey(crypto, seed, `account/${i}`, "secp256k1"),
      bls: deriveKey(crypto, seed, `account/${i}`, "bls"),
    };
    const id = Address.id(FIRST_ID + 2n * BigInt(i));
    const blsId = Address.id(FIRST_ID + 2n * BigInt(i) + 1n);
    return {
      id,
      blsId,
      ethereum: ethereumText(id),
      blsEthereum: ethereumText(blsId),
      secp256k1: addressOf(crypto, keys.secp256k1),
      bls: addressOf(crypto, keys.bls),
      keys,
      balance,
    };
  });
}

function ethereumText(id: Address): string {
  return `0x${toHex(id.ethereum ?? new Uint8Array(0))}`;
}
