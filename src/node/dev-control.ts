/** Control of a local network's time, as RPC offers it. */
import { toHex } from "../base/bytes.ts";
import { type NetworkParams, networkVersionAt } from "../params/networks.ts";
import type { DevControl } from "../rpc/services.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import type { Address } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import type { DevAccount } from "./accounts.ts";
import type { Clock } from "./clock.ts";
import type { EthControl } from "./eth-control.ts";
import type { Laboratory } from "./laboratory.ts";
import type { LocalMiners } from "./local-miners.ts";
import { sealsOf } from "./proof-mode.ts";
import type { Snapshots } from "./snapshots.ts";

/** What is told of the network, and what controls it. */
type Controlled = {
  readonly clock: Clock;
  readonly options: {
    readonly seed: string;
    readonly mnemonic: string;
    readonly genesisTime: number;
    readonly data: string | null;
  };
  readonly accounts: readonly DevAccount[];
  readonly network: NetworkParams;
  readonly miner: Address;
  readonly head: Tipset;
  readonly local: LocalMiners | null;
  readonly laboratory: Laboratory | null;
  readonly snapshots: Snapshots;
  readonly ethereum: EthControl | null;
  readonly forkedFrom: { readonly url: string; readonly epoch: number } | null;
};

/** The account of an account's Ethereum key: its address as Ethereum's tools spell it, and as Filecoin's do. */
export function ethereumOf({ delegated }: DevAccount, { prefix }: NetworkParams) {
  return { ethereum: `0x${toHex(delegated.ethereum ?? new Uint8Array(20))}`, delegated: delegated.toString(prefix) };
}

export function devControl(net: Controlled, dump: () => Promise<AsyncIterable<Uint8Array>>): DevControl {
  const { clock, options, accounts, network, miner, local, laboratory, snapshots, ethereum } = net;
  const hasEthereum = (): boolean => chainRule("ethAccountsSend", networkVersionAt(network, net.head.height));
  const proofs = local?.verification.facts.proofs ?? { mode: "attested" };
  return {
    mine: (count, signal) => clock.mine(count, signal),
    mineTo: (epoch, signal) => clock.mineTo(epoch, signal),
    passTime: (seconds, signal) => clock.mineTo(clock.epochIn(seconds), signal),
    laboratory,
    ethAccounts: ethereum,
    ethereum,
    snapshots: {
      list: () => snapshots.list(),
      take: () => snapshots.take(),
      revert: (id, keep) => snapshots.revert(id, keep),
      dump,
    },
    skipRounds: (count, signal) => clock.skip(count, signal),
    setAutomine: (on) => clock.setAutomine(on),
    setBlockTime: (seconds) => clock.setBlockTime(seconds),
    info: () => ({
      chainId: network.chainId,
      networkName: network.name,
      seed: options.seed,
      mnemonic: options.mnemonic,
      blockTime: clock.blockTime,
      genesisTime: options.genesisTime,
      data: options.data,
      ...(net.forkedFrom === null ? {} : { fork: net.forkedFrom }),
      miner: miner.toString(network.prefix),
      producer: local === null ? "single producer" : "elected miners",
      ...(local === null
        ? {}
        : {
            proofs: proofs.mode,
            seals: sealsOf(proofs),
            miners: local.miners.map(({ address, sectors, sectorBytes }) => ({
              address: address.toString(network.prefix),
              sectors: sectors.size,
              sectorBytes,
            })),
          }),
      accounts: accounts.map((account) => ({
        name: account.name,
        id: account.id.toString(network.prefix),
        secp256k1: account.secp256k1.toString(network.prefix),
        bls: account.bls.toString(network.prefix),
        // An account beside these, of a key of its own.
        ...(hasEthereum() ? ethereumOf(account, network) : {}),
      })),
    }),
  };
}
