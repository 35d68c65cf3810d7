/** The Ethereum accounts of a local network, at a node that has their keys: it signs for them. */
import { toHex } from "../base/bytes.ts";
import type { Crypto } from "../core/crypto.ts";
import type { NetworkParams } from "../params/networks.ts";
import type { EthAccountsService } from "../rpc/services.ts";
import type { Address } from "../types/address.ts";
import { type EthTransaction, messageOfTransaction, signingDigest } from "../types/eth-transaction.ts";
import type { SignedMessage } from "../types/message.ts";
import type { DevAccount } from "./accounts.ts";

/** A transaction that nobody has signed yet. */
export type BareTransaction = Omit<EthTransaction, "r" | "s" | "v" | "kind">;

type Parts = {
  readonly network: Pick<NetworkParams, "chainId">;
  readonly crypto: Pick<Crypto, "secp256k1">;
  readonly accounts: readonly DevAccount[];
};

const big = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`);

export class EthAccounts implements EthAccountsService {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get accounts(): readonly Address[] {
    return this.parts.accounts.map(({ delegated }) => delegated);
  }

  has(address: Address): boolean {
    return this.parts.accounts.some(({ delegated }) => delegated.equals(address));
  }

  /** r, s and recovery bit of a digest by the key of an account; null for an account that is none of the network's. */
  sign(address: Address, digest: Uint8Array): Uint8Array | null {
    const account = this.parts.accounts.find(({ delegated }) => delegated.equals(address));
    return account === undefined ? null : this.parts.crypto.secp256k1.sign(digest, account.keys.ethereum.secret);
  }

  /** The message of a transaction, signed by the account's key; null for an account that is none of the network's. */
  signTransaction(tx: BareTransaction, from: Address): SignedMessage | null {
    const bare = unsigned(tx);
    const signature = this.sign(from, signingDigest(bare, this.parts.network.chainId));
    if (signature === null) return null;
    const [r, s] = [big(signature.subarray(0, 32)), big(signature.subarray(32, 64))];
    return messageOfTransaction({ ...bare, r, s, v: BigInt(signature[64] as number) }, from);
  }
}

export function unsigned(tx: BareTransaction): EthTransaction {
  return { ...tx, kind: "eip1559", r: 0n, s: 0n, v: 0n };
}
