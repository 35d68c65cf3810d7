/**
 * Reports of consensus faults: which pairs of signed headers prove one. Sources: lotus v1.0.0 and, from network version 7
 * on, v1.2.0 chain/vm/syscalls.go.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { toBase64 } from "../../../src/base/bytes.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { Vm } from "../../../src/core/vm.ts";
import { addressOf, deriveKey, type KeyInfo, signBytes } from "../../../src/keys/keys.ts";
import { buildGenesis, type GenesisState } from "../../../src/node/genesis.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import { encodeMethodParams } from "../../../src/state/state-view.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import { type BlockHeader, encodeHeader, headerCid, headerSigningBytes } from "../../../src/types/block-header.ts";
import { type CID, cidOfBlock, cidOfText } from "../../../src/types/cid.ts";
import { contextOf, hostOf, message } from "../../support/plain-state.ts";

const NETWORK_VERSION = 5;
const REPORT = 15n;
const ILLEGAL_ARGUMENT = 16;

let crypto: Crypto;
let worker: KeyInfo;
let stranger: KeyInfo;
let genesis: GenesisState;
let store: MemoryStore;
let vm: Vm;
beforeAll(async () => {
  crypto = await loadCrypto();
  worker = deriveKey(crypto, "faults", "worker", "bls");
  stranger = deriveKey(crypto, "faults", "stranger", "bls");
  const accounts = [worker, stranger].map((key) => ({ address: addressOf(crypto, key), balance: 1000n * FIL }));
  const spec = { network: DEVNET, networkVersion: NETWORK_VERSION, accounts, worker: addressOf(crypto, worker) };
  genesis = await buildGenesis(spec);
  store = new MemoryStore();
  store.writeNow({ blocks: genesis.blocks });
  vm = await Vm.create(hostOf(store), { profile: "devnet" });
});

const block = (name: string): CID => cidOfBlock(Uint8Array.from(name, (char) => char.charCodeAt(0)));

/** A header of the miner, signed by its worker but for what is said otherwise. */
function header(fields: Partial<BlockHeader>, key: KeyInfo | null = worker): BlockHeader {
  const unsigned: BlockHeader = {
    miner: genesis.miners[0] as Address,
    ticket: new Uint8Array(96),
    electionProof: { winCount: 1n, vrfProof: new Uint8Array(96) },
    beaconEntries: [{ round: 7n, data: new Uint8Array(96) }],
    winPoStProof: [{ postProof: 0n, proofBytes: new Uint8Array(192) }],
    parents: [block("a"), block("b")],
    parentWeight: 100n,
    height: 500,
    parentStateRoot: block("state"),
    parentMessageReceipts: block("receipts"),
    messages: block("messages"),
    blsAggregate: { type: 2, data: new Uint8Array(96) },
    timestamp: 1000n,
    blockSig: null,
    forkSignaling: 0n,
    parentBaseFee: 100n,
    ...fields,
  };
  return key === null ? unsigned : { ...unsigned, blockSig: signBytes(crypto, key, headerSigningBytes(unsigned)) };
}

/** Exit code of a report at an epoch, 1000 if it is not said, under a network version. */
function reportAt(
  { epoch = 1000, networkVersion = NETWORK_VERSION },
  a: BlockHeader | Uint8Array,
  b: BlockHeader | Uint8Array,
  extra?: BlockHeader | Uint8Array,
): number {
  const bytes = (h: BlockHeader | Uint8Array): string => toBase64(h instanceof Uint8Array ? h : encodeHeader(h));
  const params = {
    BlockHeader1: bytes(a),
    BlockHeader2: bytes(b),
    BlockHeaderExtra: extra === undefined ? null : bytes(extra),
  };
  const encoded = encodeMethodParams(cidOfText("fil/2/storageminer"), REPORT, params, "t");
  vm.open({ ...contextOf(genesis.stateRoot, networkVersion), epoch });
  const from = addressOf(crypto, stranger);
  const text = message({
    from,
    to: genesis.miners[0] as Address,
    method: REPORT,
    params: encoded,
    gasLimit: 10_000_000_000n,
  });
  return vm.apply(text, text.length).exitCode;
}

function report(a: BlockHeader | Uint8Array, b: BlockHeader | Uint8Array, extra?: BlockHeader | Uint8Array): number {
  return reportAt({}, a, b, extra);
}

describe("consensus faults", () => {
  test("two blocks at one height are a double fork", () => {
    expect(report(header({}), header({ timestamp: 1001n }))).toBe(0);
  });

  test("the same parents at two heights are a time offset, in whatever order the parents stand", () => {
    expect(report(header({}), header({ height: 501, parents: [block("b"), block("a")] }))).toBe(0);
  });

  test("a block whose parents hold a sibling of one's own block but not that block is parent grinding", () => {
    const a = header({ height: 500 });
    const c = header({ height: 500, miner: Address.id(77) }, null);
    const b = header({ height: 501, parents: [headerCid(c)] });
    expect(report(a, b, c)).toBe(0);
    const both = header({ height: 501, parents: [headerCid(c), headerCid(a)] });
    expect(report(a, both, c)).toBe(ILLEGAL_ARGUMENT);
    const later = header({ height: 501, miner: Address.id(77) }, null);
    expect(report(a, header({ height: 502, parents: [headerCid(later)] }), later)).toBe(ILLEGAL_ARGUMENT);
  });

  test("what proves nothing is refused", () => {
    const a = header({});
    const fork = header({ timestamp: 1001n });
    expect(report(a, a)).toBe(ILLEGAL_ARGUMENT);
    expect(report(a, header({ height: 501, parents: [block("c")] }))).toBe(ILLEGAL_ARGUMENT);
    expect(report(header({ height: 501 }), header({ height: 500 }))).toBe(ILLEGAL_ARGUMENT);
    expect(report(a, header({ timestamp: 1001n, miner: Address.id(77) }))).toBe(ILLEGAL_ARGUMENT);
    expect(report(a, fork, Uint8Array.of(1))).toBe(ILLEGAL_ARGUMENT);
    expect(report(a, encodeHeader(fork).subarray(0, 100))).toBe(ILLEGAL_ARGUMENT);
  });

  test("both headers must be signed by the producer's worker", () => {
    const a = header({});
    const fields = { timestamp: 1001n };
    expect(report(a, header(fields, null))).toBe(ILLEGAL_ARGUMENT);
    expect(report(a, header(fields, stranger))).toBe(ILLEGAL_ARGUMENT);
    expect(report(header({}, stranger), header(fields))).toBe(ILLEGAL_ARGUMENT);
    expect(report(a, { ...header(fields), timestamp: 1002n })).toBe(ILLEGAL_ARGUMENT);
  });

  test("a fault of this epoch or a later one is too early", () => {
    expect(report(header({ height: 1000 }), header({ height: 1000, timestamp: 1n }))).toBe(ILLEGAL_ARGUMENT);
  });
});

describe("consensus faults from network version 7 on, where the key is that of an earlier state", () => {
  const seven = { networkVersion: 7 };
  const fork = (): [BlockHeader, BlockHeader] => [header({}), header({ timestamp: 1001n })];

  test("version 6 still takes the present key", () => {
    expect(reportAt({ networkVersion: 6 }, ...fork())).toBe(0);
  });

  test("a report that proves nothing whatever the key is refused", () => {
    const [a, b] = fork();
    expect(reportAt(seven, a, a)).toBe(ILLEGAL_ARGUMENT);
    expect(reportAt(seven, a, encodeHeader(b).subarray(0, 100))).toBe(ILLEGAL_ARGUMENT);
    expect(reportAt(seven, a, header({ height: 501, parents: [block("c")] }))).toBe(ILLEGAL_ARGUMENT);
  });

  test("a fault older than finality is refused; at finality it hangs on the key", async () => {
    expect(reportAt({ networkVersion: 7, epoch: 1401 }, ...fork())).toBe(ILLEGAL_ARGUMENT);
    expect(reportAt({ networkVersion: 6, epoch: 1401 }, ...fork())).toBe(0);
    expect(() => reportAt({ networkVersion: 7, epoch: 1400 }, ...fork())).toThrow("worker key of an earlier state");
    expect(vm.spent).toBe(true);
    vm = await Vm.create(hostOf(store), { profile: "devnet" });
  });
});
