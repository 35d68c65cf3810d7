/**
 * A small state for the FVM: the singletons that a message needs, an account that sends, and our own actor for tests under a code
 * that the manifest names.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { blake2b } from "@noble/hashes/blake2.js";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { Fvm, type FvmApplyRet, type FvmHost } from "../../src/core/fvm.ts";
import { buildHamt } from "../../src/storage/hamt-build.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { Address } from "../../src/types/address.ts";
import { bigToBytes } from "../../src/types/amount.ts";
import { cidOfBlock } from "../../src/types/cid.ts";
import { encodeMessage } from "../../src/types/message.ts";
import { wasmModule } from "./wasm-module.ts";

const RAW = 0x55;
const BLAKE2B_256 = 0xb220;

/** An actor that does nothing and succeeds. */
const IDLE = wasmModule({ functions: [{ params: 1, gives: true, body: [0x41, 0, 0x0b] }], exports: { invoke: 0 } });

export const SENDER = Address.fromBytes(Uint8Array.from([1, ...new Uint8Array(20).fill(7)]));
export const SENDER_ID = 100n;
export const TESTER_ID = 101n;
/** A second actor with the same code. */
export const OTHER_ID = 102n;
export const PLACEHOLDER_ID = 103n;
/** The first id that the init actor gives out. */
export const NEXT_ID = 110n;
export const FUNDS = 10n ** 18n;
export const EPOCH = 1000;

export type World = {
  readonly store: MemoryStore;
  readonly codes: Readonly<Record<string, CID>>;
  readonly root: CID;
  readonly host: FvmHost;
};

export type WorldOptions = {
  /** Network version: 18, or 17 with trees of version 4. */
  readonly networkVersion?: number;
  /** Code of the tester; that of `guest-test.wasm`, or another. */
  readonly code: Uint8Array;
  readonly host?: Partial<FvmHost>;
};

export const codeCid = (code: Uint8Array): CID =>
  CID.createV1(RAW, Digest.create(BLAKE2B_256, blake2b(code, { dkLen: 32 })));

/** An address of Ethereum. */
export const ETHEREUM = Address.fromBytes(Uint8Array.from([4, 10, ...new Uint8Array(20).fill(0xee)]));

export function makeWorld({ networkVersion = 18, code, host = {} }: WorldOptions): World {
  const store = new MemoryStore();
  const put = (cid: CID, bytes: Uint8Array): CID => {
    store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
    return cid;
  };
  const putData = (data: unknown): CID => {
    const bytes = dagCbor.encode(data);
    return put(cidOfBlock(bytes), bytes);
  };
  const names = ["system", "init", "cron", "account", "reward", "placeholder", "ethaccount", "tester"];
  const codes: Record<string, CID> = {};
  for (const [i, name] of names.entries()) {
    // One byte more in each tells them apart: an empty custom section of another name.
    const bytes = name === "tester" ? code : Uint8Array.from([...IDLE, 0, 2, 1, 0x61 + i]);
    codes[name] = put(codeCid(bytes), bytes);
  }
  const empty = putData([]);
  const manifest = putData(names.map((name) => [name, codes[name]]));
  const map = buildHamt(
    [
      [SENDER.bytes, Number(SENDER_ID)],
      [ETHEREUM.bytes, Number(PLACEHOLDER_ID)],
    ],
    (block) => store.writeNow({ blocks: [block] }),
    "present",
  );
  const late = networkVersion >= 18;
  const actor = (name: string, head: CID, balance: bigint, delegated: Uint8Array | null = null): unknown[] => {
    const tuple = [codes[name], head, 0, bigToBytes(balance)];
    return late ? [...tuple, delegated] : tuple;
  };
  const all: [bigint, unknown[]][] = [
    [0n, actor("system", putData([manifest]), 0n)],
    [1n, actor("init", putData([map, Number(NEXT_ID), "test"]), 0n)],
    [2n, actor("reward", empty, 0n)],
    [99n, actor("account", empty, 0n)],
    [SENDER_ID, actor("account", putData([SENDER.bytes]), FUNDS)],
    [TESTER_ID, actor("tester", empty, 1000n)],
    [OTHER_ID, actor("tester", empty, 0n)],
    ...(late ? [[PLACEHOLDER_ID, actor("placeholder", empty, 50n, ETHEREUM.bytes)] as [bigint, unknown[]]] : []),
  ];
  const actors = buildHamt(
    all.map(([id, tuple]) => [Address.id(id).bytes, tuple] as const),
    (block) => store.writeNow({ blocks: [block] }),
    "present",
  );
  const root = putData([late ? 5 : 4, actors, putData([])]);
  const digest = (byte: number) => (): Uint8Array => new Uint8Array(32).fill(byte);
  return {
    ...{ store, codes, root },
    host: {
      peek: (cid) => store.peek(cid),
      ticketDigest: digest(1),
      beaconDigest: digest(2),
      tipsetCid: () => empty.bytes,
      verifyPoSt: () => true,
      verifySeal: () => true,
      verifyAggregate: () => true,
      verifyReplicaUpdate: () => true,
      consensusFault: () => null,
      ...host,
    },
  };
}

export const BASE_FEE = 100n;

/** A machine on a world's state. */
export async function openWorld(world: World, networkVersion = 18): Promise<Fvm> {
  const vm = await Fvm.create(world.host);
  vm.open({
    ...{ stateRoot: world.root, epoch: EPOCH, timestamp: 30 * EPOCH, networkVersion, chainId: 31415926 },
    ...{ baseFee: BASE_FEE, circulatingSupply: 123n },
  });
  return vm;
}

export type Sent = {
  readonly to?: Address;
  readonly from?: Address;
  readonly method?: bigint;
  readonly params?: Uint8Array;
  readonly value?: bigint;
  readonly gasLimit?: number;
  readonly nonce?: bigint;
};

/** A message of the chain to the tester, or to another. */
export function messageOf(sent: Sent): Uint8Array {
  return encodeMessage({
    ...{ to: sent.to ?? Address.id(TESTER_ID), from: sent.from ?? SENDER, nonce: sent.nonce ?? 0n },
    ...{ value: sent.value ?? 0n, gasLimit: BigInt(sent.gasLimit ?? 1_000_000_000), gasFeeCap: 150n, gasPremium: 20n },
    ...{ method: sent.method ?? 0n, params: sent.params ?? new Uint8Array(0) },
  });
}

/** Applies a message on a fresh machine. */
export async function applyIn(world: World, sent: Sent, networkVersion = 18): Promise<FvmApplyRet & { vm: Fvm }> {
  const vm = await openWorld(world, networkVersion);
  const message = messageOf(sent);
  return { ...vm.apply(message, message.length), vm };
}
