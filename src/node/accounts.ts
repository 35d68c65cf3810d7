/** The funded accounts of a local network: their keys follow from mnemonic and seed and are public. */
import { toHex } from "../base/bytes.ts";
import type { Crypto } from "../core/crypto.ts";
import { addressOf, deriveKey, type KeyInfo } from "../keys/keys.ts";
import { accountPath, ENTROPY_BYTES, MnemonicKeys, mnemonicOf } from "../keys/mnemonic.ts";
import { Address } from "../types/address.ts";

export type DevAccount = {
  /** "alice", "bob", … for the first ten, then "account10", … */
  readonly name: string;
  /** ID address of the secp256k1 account. */
  readonly id: Address;
  readonly blsId: Address;
  /** The mnemonic's account at `m/44'/461'/0'/0/<i>`. */
  readonly secp256k1: Address;
  readonly bls: Address;
  /** 0x forms of the two ID addresses. */
  readonly ethereum: string;
  readonly blsEthereum: string;
  readonly keys: {
    readonly secp256k1: KeyInfo;
    readonly bls: KeyInfo;
    /** The mnemonic's account at `m/44'/60'/0'/0/<i>`, for networks that have Ethereum accounts: from version 18 on. */
    readonly ethereum: KeyInfo;
  };
  /** Address of the Ethereum key, which has funds from network version 18 on. */
  readonly delegated: Address;
  /** attoFIL at genesis, on each of the addresses */
  readonly balance: bigint;
};

export type AccountSpec = {
  /** Decides the BLS keys, for which mnemonics have no path. */
  readonly seed: string;
  readonly mnemonic: string;
  readonly count: number;
  /** attoFIL */
  readonly balance: bigint;
};

/** Ids are given from here on, two an account. */
const FIRST_ID = 100n;

export const ACCOUNT_NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];

export function accountName(index: number): string {
  return ACCOUNT_NAMES[index] ?? `account${index}`;
}

/** The mnemonic that every development tool uses; for networks whose seed nobody chose. */
export const PUBLIC_MNEMONIC = "test test test test test test test test test test test junk";

/** The mnemonic of a seed: the same seed, the same accounts. */
export function mnemonicOfSeed(crypto: Pick<Crypto, "blake2b256">, seed: string): string {
  const digest = crypto.blake2b256(new TextEncoder().encode(`filigree/${seed}/mnemonic`));
  return mnemonicOf(digest.slice(0, ENTROPY_BYTES));
}

export function makeAccounts(crypto: Crypto, { seed, mnemonic, count, balance }: AccountSpec): DevAccount[] {
  const words = new MnemonicKeys(mnemonic);
  return Array.from({ length: count }, (_, i) => {
    const keys = {
      secp256k1: words.key(accountPath("filecoin", i)),
      bls: deriveKey(crypto, seed, `account/${i}`, "bls"),
      ethereum: words.key(accountPath("ethereum", i)),
    };
    const id = Address.id(FIRST_ID + 2n * BigInt(i));
    const blsId = Address.id(FIRST_ID + 2n * BigInt(i) + 1n);
    return {
      name: accountName(i),
      id,
      blsId,
      ethereum: ethereumText(id),
      blsEthereum: ethereumText(blsId),
      secp256k1: addressOf(crypto, keys.secp256k1),
      bls: addressOf(crypto, keys.bls),
      delegated: ethereumAddress(crypto, keys.ethereum),
      keys,
      balance,
    };
  });
}

/** Address of Ethereum that a secp256k1 key owns: the last 20 bytes of keccak-256 over its public key. */
function ethereumAddress(crypto: Crypto, { secret }: KeyInfo): Address {
  const publicKey = crypto.secp256k1.publicKey(secret).subarray(1);
  return Address.fromEthereum(crypto.keccak256(publicKey).slice(12));
}

function ethereumText(id: Address): string {
  return `0x${toHex(id.ethereum ?? new Uint8Array(0))}`;
}
