/** What is told of a local network's accounts when it starts. */
import { toHex } from "../base/bytes.ts";
import { toLotusKey } from "../keys/lotus-key.ts";
import type { DevAccount } from "../node/accounts.ts";
import { ethereumOf } from "../node/dev-control.ts";
import type { NetworkParams } from "../params/networks.ts";

/** What the chain id is good for. */
export function chainIdNote(hasEthereum: boolean): string {
  return hasEthereum
    ? "for Ethereum's tools: eth_* at the same address"
    : "a name for wallets; no Ethereum transactions on this network version";
}

/** Ethereum's accounts, which are those of the mnemonic that its tools take for granted. `isNew`: nothing was sent yet. */
export function ethereumLine(first: DevAccount, network: NetworkParams, isNew: boolean): string {
  const { ethereum } = ethereumOf(first, network);
  const much = isNew ? "as much at" : "also at";
  return `Ethereum   ${much} m/44'/60'/0'/0/n; ${first.name}: ${ethereum}, key 0x${toHex(first.keys.ethereum.secret)}`;
}

/** An account with its keys. */
export function accountJson(account: DevAccount, network: NetworkParams, hasEthereum: boolean) {
  const { prefix } = network;
  return {
    name: account.name,
    id: account.id.toString(prefix),
    secp256k1: account.secp256k1.toString(prefix),
    bls: account.bls.toString(prefix),
    blsId: account.blsId.toString(prefix),
    // Of the key below; where it has no account, the form of the id.
    ...(hasEthereum ? ethereumOf(account, network) : { ethereum: account.ethereum }),
    keys: {
      secp256k1: toHex(account.keys.secp256k1.secret),
      bls: toHex(account.keys.bls.secret),
      ethereum: toHex(account.keys.ethereum.secret),
    },
    lotusKeys: { secp256k1: toLotusKey(account.keys.secp256k1), bls: toLotusKey(account.keys.bls) },
  };
}
