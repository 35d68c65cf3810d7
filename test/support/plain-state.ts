/** Small states for tests of the machine: singletons, accounts with keys, and any further actors. */
import * as dagCbor from "@ipld/dag-cbor";
import type { VmHost } from "../../src/core/vm.ts";
import { Executor, type ExecutorParts } from "../../src/exec/executor.ts";
import type { ProofVerifier, RandomnessSource } from "../../src/exec/types.ts";
import { buildHamt } from "../../src/storage/hamt-build.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { Address } from "../../src/types/address.ts";
import { bigToBytes } from "../../src/types/amount.ts";
import { type CID, cidOfBlock, cidOfText } from "../../src/types/cid.ts";
import { encodeMessage, type Message } from "../../src/types/message.ts";

export const RICH = 10n ** 30n;

export type ExtraActor = {
  readonly id: number;
  readonly code: string;
  /** State, as DAG-CBOR data. */
  readonly state: unknown;
  readonly balance?: bigint;
};

export type PlainState = { readonly store: MemoryStore; readonly root: CID };

/** BLS address of account `index` (id 100 + index); no key stands behind it. */
export function key(index: number): Address {
  const bytes = new Uint8Array(49);
  bytes[0] = 3;
  new DataView(bytes.buffer).setUint32(40, index);
  return Address.fromBytes(bytes);
}

/** The id of account `index`. */
export function idOf(index: number): Address {
  return Address.id(100 + index);
}

/** A state with `accounts` rich accounts; a bare root below network version 4, else the versioned tuple. */
export function makeState(networkVersion: number, accounts: number, extra: readonly ExtraActor[] = []): PlainState {
  const store = new MemoryStore();
  const put = (value: unknown): CID => {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
    return cid;
  };
  const block = (made: { cid: Uint8Array; bytes: Uint8Array }): void => store.writeNow({ blocks: [made] });
  const generation = networkVersion < 4 ? 1 : 2;
  const code = (name: string): CID => cidOfText(name.includes("/") ? name : `fil/${generation}/${name}`);
  const entry = (name: string, head: CID, balance: bigint): unknown[] => [code(name), head, 0, bigToBytes(balance)];
  const empty = put([]);
  const actors: [Uint8Array, unknown][] = [];
  const addresses: [Uint8Array, number][] = [];
  for (let i = 0; i < accounts; i++) {
    addresses.push([key(i).bytes, 100 + i]);
    actors.push([idOf(i).bytes, entry("account", put([key(i).bytes]), RICH)]);
  }
  const init = put([buildHamt(addresses, block), 100 + accounts, "test"]);
  actors.push([Address.id(0).bytes, entry("system", empty, 0n)]);
  actors.push([Address.id(1).bytes, entry("init", init, 0n)]);
  actors.push([Address.id(2).bytes, entry("reward", empty, RICH)]);
  actors.push([Address.id(99).bytes, entry("account", put([Address.id(99).bytes]), 0n)]);
  for (const { id, code: name, state, balance } of extra)
    actors.push([Address.id(id).bytes, entry(name, put(state), balance ?? 0n)]);
  // An extra actor takes the place of a standard one with its id.
  const unique = new Map(actors.map((actor) => [actor[0].join(), actor]));
  const tree = buildHamt(unique.values(), block);
  const root = networkVersion < 4 ? tree : put([1, tree, empty]);
  return { store, root };
}

/** CBOR of a message from account 0 to account 1, but for what is given. */
export function message(fields: Partial<Message>): Uint8Array {
  return encodeMessage({
    to: key(1),
    from: key(0),
    nonce: 0n,
    value: 0n,
    gasLimit: 1_000_000_000n,
    gasFeeCap: 200n,
    gasPremium: 1n,
    method: 0n,
    params: new Uint8Array(0),
    ...fields,
  });
}

export const NO_RANDOMNESS = {
  ticketRandomness: () => new Uint8Array(32),
  beaconRandomness: () => new Uint8Array(32),
} satisfies RandomnessSource;
export const NO_PROOFS = { verifyPoSt: () => false, verifySeal: () => false } satisfies ProofVerifier;

export function hostOf(store: MemoryStore): VmHost {
  return { peek: (cid) => store.peek(cid), ...NO_RANDOMNESS, ...NO_PROOFS };
}

export function contextOf(
  root: CID,
  networkVersion: number,
): {
  stateRoot: CID;
  epoch: number;
  networkVersion: number;
  baseFee: bigint;
  circulatingSupply: bigint;
} {
  return { stateRoot: root, epoch: 1000, networkVersion, baseFee: 100n, circulatingSupply: 10n ** 27n };
}

export function executorOver(blocks: ExecutorParts["blocks"]): Executor {
  return new Executor({ asset: "vm-test.wasm" }, { blocks, randomness: NO_RANDOMNESS, proofs: NO_PROOFS });
}
