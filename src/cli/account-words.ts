/** What is told of a local network's accounts when it starts. */
import { toHex } from "../base/bytes.ts";
import { toLotusKey } from "../keys/lotus-key.ts";
import type { DevAccount } from "../node/accounts.ts";
import { ethereumOf } from "../node/dev-control.ts";
import { type NetworkParams, networkVersionAt } from "../params/networks.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import type { VersionFacts } from "./version-text.ts";

/** Whether Ethereum's accounts send transactions at a network version. */
export function hasEthereum(networkVersion: number): boolean {
  return chainRule("ethAccountsSend", networkVersion);
}

/** What the chain id is good for, now and at versions to come. */
export function chainIdNote({ networkVersion, toCome }: Pick<VersionFacts, "networkVersion" | "toCome">): string {
  if (hasEthereum(networkVersion)) return "for Ethereum's tools: eth_* at the same address";
  const then = toCome.find((one) => hasEthereum(one.networkVersion));
  const from = then === undefined ? "" : `; from epoch ${then.epoch} on for Ethereum's tools`;
  return `a name for wallets; no Ethereum transactions on this network version${from}`;
}

/**
 * Ethereum's accounts, which are those of the mnemonic that its tools take for granted. Only a genesis with Ethereum gives them something; `isNew`:
 * nothing was sent yet.
 */
export function ethereumLine(first: DevAccount, network: NetworkParams, isNew: boolean): string {
  const { ethereum } = ethereumOf(first, network);
  const much = !hasEthereum(networkVersionAt(network, 0)) ? "what was sent to" : isNew ? "as much at" : "also at";
  return `Ethereum   ${much} m/44'/60'/0'/0/n; ${first.name}: ${ethereum}, key 0x${toHex(first.keys.ethereum.secret)}`;
}

/** An account with its keys. */
export function accountJson(account: DevAccount, network: NetworkParams, networkVersion: number) {
  const { prefix } = network;
  return {
    name: account.name,
    id: account.id.toString(prefix),
    secp256k1: account.secp256k1.toString(prefix),
    bls: account.bls.toString(prefix),
    blsId: account.blsId.toString(prefix),
    // Of the key below; where it has no account, the form of the id.
    ...(hasEthereum(networkVersion) ? ethereumOf(account, network) : { ethereum: account.ethereum }),
    keys: {
      secp256k1: toHex(account.keys.secp256k1.secret),
      bls: toHex(account.keys.bls.secret),
      ethereum: toHex(account.keys.ethereum.secret),
    },
    lotusKeys: { secp256k1: toLotusKey(account.keys.secp256k1), bls: toLotusKey(account.keys.bls) },
  };
}
