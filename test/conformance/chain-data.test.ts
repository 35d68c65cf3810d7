/**
 * The main network's first epochs as data: whatever is in the export reads back to the same bytes, and everything that
 * miners and clients signed verifies.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { Chain } from "../../src/chain/chain.ts";
import { buildMessageMeta } from "../../src/chain/message-store.ts";
import { drawRandomness } from "../../src/chain/randomness.ts";
import { type Crypto, loadCrypto } from "../../src/core/crypto.ts";
import { verifyBytes } from "../../src/keys/keys.ts";
import { ObjectReader } from "../../src/state/actor-reader.ts";
import { describeCode, encodeState, StateView } from "../../src/state/state-view.ts";
import { readCar } from "../../src/storage/car.ts";
import type { Block } from "../../src/storage/contract.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { Address } from "../../src/types/address.ts";
import {
  decodeHeader,
  encodeHeader,
  headerSigningBytes,
  makeTipset,
  type Tipset,
} from "../../src/types/block-header.ts";
import { CID, cidOfBlock, parseCid } from "../../src/types/cid.ts";
import {
  decodeMessage,
  decodeSignedMessage,
  encodeMessage,
  encodeSignedMessage,
  messageCid,
} from "../../src/types/message.ts";
import { readShared } from "../support/vectors.ts";

const car = await readShared("chains/mainnet-epochs-0-39.car");
const absent = car === null;
if (absent) console.warn("skipped: no chains/mainnet-epochs-0-39.car; set FILIGREE_VECTORS to the folder that has it");

const GENESIS_STATE = "bafy2bzacech3yb7xlb7c57v2xh7rvmt4skeidk7z2g36llksaz4biflblbt24";
/** What the genesis names as its parent: a block of a few words, under a SHA-256 CID, which is no header. */
const BEFORE_GENESIS = "bafyreiaqpwbbyjo4a42saasj36kkrpv4tsherf2e7bvezkert2a7dhonoi";
/** Domain tags of the randomness that tickets and election proofs are drawn from. */
const TICKET_TAG = 1;
const ELECTION_TAG = 2;

let blocks: readonly Block[];
let chain: Chain;
let line: Tipset[];
let view: StateView;
let store: MemoryStore;
let crypto: Crypto;
const workers = new Map<string, Address>();

beforeAll(async () => {
  if (car === null) return;
  crypto = await loadCrypto();
  const file = readCar(car);
  blocks = file.blocks;
  store = new MemoryStore();
  store.writeNow({ blocks });
  chain = await Chain.open({ blocks: store });
  line = [];
  const head = await chain.tipset(file.roots.map((root) => CID.decode(root)));
  for (let at: Tipset | null = head; at !== null; at = await chain.parent(at)) line.unshift(at);
  view = await StateView.open(store, parseCid(GENESIS_STATE));
});

/** Address of the BLS key that a miner of the genesis signs blocks with. */
async function workerOf(miner: Address): Promise<Address> {
  const known = workers.get(`${miner}`);
  if (known !== undefined) return known;
  const reader = await ObjectReader.open(store, await view.requireActor(miner), "f");
  const info = (await reader.object("Info")) as { Worker: string };
  const key = await view.accountKey(Address.parse(info.Worker));
  workers.set(`${miner}`, key);
  return key;
}

describe.skipIf(absent)("the export", () => {
  test("every block is canonical DAG-CBOR under the CID of its bytes", () => {
    const others: string[] = [];
    for (const { cid, bytes } of blocks) {
      if (toHex(cid.subarray(0, 6)) !== "0171a0e40220") {
        others.push(`${CID.decode(cid)}`);
        continue;
      }
      expect(toHex(dagCbor.encode(dagCbor.decode(bytes)))).toBe(toHex(bytes));
      expect(toHex(cidOfBlock(bytes).bytes)).toBe(toHex(cid));
    }
    expect(blocks.length).toBeGreaterThan(1500);
    expect(others).toEqual([BEFORE_GENESIS]);
  });

  test("headers are the bytes under their CIDs, and tipsets the order in which later headers name them", async () => {
    let headers = 0;
    for (const [i, tipset] of line.entries()) {
      for (const [k, header] of tipset.blocks.entries()) {
        const bytes = store.peek((tipset.key[k] as CID).bytes) as Uint8Array;
        expect(toHex(encodeHeader(decodeHeader(bytes)))).toBe(toHex(bytes));
        expect(header.parents.map(String)).toEqual((line[i - 1]?.key ?? [BEFORE_GENESIS]).map(String));
        headers++;
      }
      expect(makeTipset(tipset.blocks.toReversed()).key.map(String)).toEqual(tipset.key.map(String));
    }
    expect([line.length, headers]).toEqual([33, 49]);
  });

  test("messages read back, and their lists have the root that the header names", async () => {
    let [bls, secp] = [0, 0];
    for (const tipset of line)
      for (const header of tipset.blocks) {
        const messages = await chain.messages(header);
        for (const message of messages.bls) expect(decodeMessage(encodeMessage(message))).toEqual(message);
        for (const signed of messages.secp) expect(decodeSignedMessage(encodeSignedMessage(signed))).toEqual(signed);
        expect(`${buildMessageMeta(messages).root}`).toBe(`${header.messages}`);
        bls += messages.bls.length;
        secp += messages.secp.length;
      }
    expect(bls + secp).toBeGreaterThanOrEqual(213);
    expect(secp).toBeGreaterThan(0);
  });

  test("every actor's entry and state read back to the same bytes", async () => {
    const kinds = new Map<string, number>();
    for await (const [, entry] of view.entries()) {
      const bytes = store.peek(entry.head.bytes) as Uint8Array;
      const name = describeCode(entry.code)?.actor.name ?? "unknown";
      kinds.set(name, (kinds.get(name) ?? 0) + 1);
      if (bytes.length === 1) expect(toHex(bytes)).toBe("80");
      else expect(toHex(encodeState(entry.code, await view.stateJson(entry, "f"), "f"))).toBe(toHex(bytes));
    }
    expect(Object.fromEntries([...kinds].sort())).toMatchObject({
      init: 1,
      reward: 1,
      storagepower: 1,
      verifiedregistry: 1,
    });
    expect(kinds.get("storageminer")).toBeGreaterThan(0);
    expect(kinds.has("unknown")).toBe(false);
  });
});

describe.skipIf(absent)("signatures", () => {
  test("of blocks are their miners' worker keys', over the header without them", async () => {
    for (const { blocks: headers } of line.slice(1))
      for (const header of headers) {
        const key = await workerOf(header.miner);
        const signature = header.blockSig ?? { type: 0, data: new Uint8Array(0) };
        expect(verifyBytes(crypto, signature, key, headerSigningBytes(header))).toBe(true);
        const later = headerSigningBytes({ ...header, height: header.height + 1 });
        expect(verifyBytes(crypto, signature, key, later)).toBe(false);
      }
  });

  test("of BLS messages are those that the header aggregates; none of none", async () => {
    let [full, empty] = [0, 0];
    for (const { blocks: headers } of line.slice(1))
      for (const header of headers) {
        const { bls } = await chain.messages(header);
        const aggregate = header.blsAggregate?.data as Uint8Array;
        if (bls.length === 0) {
          expect(toHex(aggregate)).toBe(`c0${"00".repeat(95)}`);
          empty++;
          continue;
        }
        const keys = await Promise.all(bls.map(async ({ from }) => (await view.accountKey(from)).bytes.slice(1)));
        const entries = bls.map((message, i) => ({
          publicKey: keys[i] as Uint8Array,
          message: messageCid(message).bytes,
        }));
        expect(crypto.blsVerifyAggregate(entries, aggregate)).toBe(true);
        expect(crypto.blsVerifyAggregate(entries.slice(1), aggregate)).toBe(false);
        full++;
      }
    expect(full).toBeGreaterThan(0);
    expect(empty).toBeGreaterThan(0);
  });

  test("of other messages are their senders', over the bytes of their CIDs", async () => {
    for (const { blocks: headers } of line)
      for (const header of headers)
        for (const { message, signature } of (await chain.messages(header)).secp) {
          const sender = await view.accountKey(message.from);
          expect(verifyBytes(crypto, signature, sender, messageCid(message).bytes)).toBe(true);
          const other = messageCid({ ...message, value: message.value + 1n });
          expect(verifyBytes(crypto, signature, sender, other.bytes)).toBe(false);
        }
  });

  test("inside of tickets are over the epoch's beacon entry, the epoch before and the miner", async () => {
    for (const [i, { blocks: headers }] of line.entries()) {
      if (i === 0) continue;
      for (const { miner, height, ticket, beaconEntries } of headers) {
        const entries = [...line.slice(0, i).map(({ blocks: [first] }) => first?.beaconEntries ?? []), beaconEntries];
        const beacon = entries.flat().at(-1)?.data as Uint8Array;
        const key = (await workerOf(miner)).bytes.slice(1);
        const drawn = (epoch: number): Uint8Array =>
          drawRandomness(beacon, TICKET_TAG, epoch, dagCbor.encode(miner.bytes));
        expect(crypto.blsVerify(key, drawn(height - 1), ticket as Uint8Array), `epoch ${height}`).toBe(true);
        expect(crypto.blsVerify(key, drawn(height), ticket as Uint8Array)).toBe(false);
      }
    }
  });

  test("inside of election proofs are over the epoch's own beacon entry, the epoch and the miner", async () => {
    let entry = new Uint8Array(0);
    for (const { blocks: headers } of line.slice(1)) {
      const before = entry;
      entry = (headers[0]?.beaconEntries.at(-1)?.data ?? entry) as Uint8Array<ArrayBuffer>;
      for (const { miner, height, electionProof } of headers) {
        const key = (await workerOf(miner)).bytes.slice(1);
        const proof = electionProof?.vrfProof as Uint8Array;
        const drawn = (beacon: Uint8Array, epoch: number): Uint8Array =>
          drawRandomness(beacon, ELECTION_TAG, epoch, dagCbor.encode(miner.bytes));
        expect(crypto.blsVerify(key, drawn(entry, height), proof), `epoch ${height}`).toBe(true);
        expect(crypto.blsVerify(key, drawn(entry, height - 1), proof)).toBe(false);
        if (before !== entry) expect(crypto.blsVerify(key, drawn(before, height), proof)).toBe(false);
      }
    }
  });
});
