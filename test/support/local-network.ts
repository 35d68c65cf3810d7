/** Local networks of several nodes for tests: in one process, over loopback. */

import { PUBLIC_MNEMONIC } from "../../src/node/accounts.ts";
import type { LocalNetwork, LocalNetworkOptions } from "../../src/node/local-network.ts";
import { FIL } from "../../src/types/amount.ts";
import type { Tipset } from "../../src/types/block-header.ts";

export function networkOptions(over: Partial<LocalNetworkOptions> = {}): LocalNetworkOptions {
  return {
    nodes: 3,
    miners: 3,
    sectors: 1,
    accounts: 2,
    balance: 1000n * FIL,
    seed: "several",
    mnemonic: PUBLIC_MNEMONIC,
    blockTime: 1,
    genesisTime: Math.floor(Date.now() / 1000),
    listen: "/ip4/127.0.0.1/tcp/0",
    dataOf: null,
    reset: false,
    repair: false,
    machine: "thread",
    version: "test",
    ...over,
  };
}

/** Waits until `found` gives something; throws after `ms`. */
export async function waitFor<T>(what: string, found: () => Promise<T | null> | T | null, ms = 120_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await found();
    if (value !== null && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${ms / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The tipset that all running nodes have at the newest common epoch of at least `epoch`, two below every tip; or null. */
export async function agreed(net: LocalNetwork, epoch: number): Promise<Tipset | null> {
  const chains = net.nodes.map(({ node }) => node.chain);
  const height = Math.min(...chains.map(({ head }) => head.height)) - 2;
  if (height < epoch) return null;
  const tipsets = await Promise.all(chains.map((chain) => chain.tipsetAtOrBefore(height)));
  const keys = new Set(tipsets.map(({ key }) => key.join()));
  return keys.size === 1 ? (tipsets[0] as Tipset) : null;
}

/** The tipsets from `top` down to the genesis, the genesis left out. */
export async function below(net: LocalNetwork, top: Tipset): Promise<Tipset[]> {
  const chain = net.nodes[0]?.node.chain;
  const tipsets: Tipset[] = [];
  for (let at: Tipset | null | undefined = top; at && at.height > 0; at = await chain?.parent(at)) tipsets.push(at);
  return tipsets;
}
