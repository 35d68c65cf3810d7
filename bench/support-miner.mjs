/**
 * States of one miner with many sectors, for benches.
 *
 * The world around is the genesis of the miner scenarios (test/fixtures/actors). Its first miner's state is replaced by
 * one with `count` sectors of 32 GiB, spread evenly over the 48 deadlines in partitions of 2349, all proven, and with
 * some more sectors pre-committed. Power and pledge are entered by the messages that a miner sends.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as dagCbor from "@ipld/dag-cbor";
import { Vm } from "../dist/core/vm.js";
import { readCar } from "../dist/storage/car.js";
import { hamtEntries } from "../dist/storage/hamt.js";
import { buildHamt } from "../dist/storage/hamt-build.js";
import { MemoryStore } from "../dist/storage/memory.js";
import { Address } from "../dist/types/address.js";
import { bigToBytes } from "../dist/types/amount.js";
import { encodeRuns } from "../dist/types/bitfield.js";
import { CID, cidOfBlock } from "../dist/types/cid.js";
import { encodeMessage } from "../dist/types/message.js";

const FIXTURE = new URL("../test/fixtures/actors/miner-mainnet-v2.json.gz", import.meta.url);
const SECTOR_SIZE = 32n << 30n;
const PARTITION = 2349;
export const DEADLINES = 48;
const WINDOW = 60;
const DAY = 2880;
export const NETWORK_VERSION = 5;
const FIL = 10n ** 18n;
const SUPPLY = 2_000_000_000n * FIL;
const PLEDGE = FIL / 5n;
const ZERO = new Uint8Array(0);
export const POWER = Address.id(4);

/** A sealed CID that no two sectors share. */
function sealedCid(number) {
  const bytes = new Uint8Array(40);
  bytes.set([1, 0x82, 0xe2, 0x03, 0x81, 0xe8, 0x02, 0x20]);
  new DataView(bytes.buffer).setUint32(10, number);
  return CID.decode(bytes);
}

/** An array (AMT of width 8) of the entries, which must be in the order of their indices. */
function buildAmt(entries, put) {
  let height = 0;
  const last = entries.length === 0 ? 0 : entries[entries.length - 1][0];
  while (8 ** (height + 1) <= last) height++;
  const node = (from, to, first, at) => {
    const links = [];
    const values = [];
    let map = 0;
    const span = 8 ** at;
    for (let i = from; i < to; ) {
      const slot = Math.floor((entries[i][0] - first) / span);
      map |= 1 << slot;
      let end = i + 1;
      while (end < to && Math.floor((entries[end][0] - first) / span) === slot) end++;
      if (at === 0) values.push(entries[i][1]);
      else links.push(put(node(i, end, first + slot * span, at - 1)));
      i = end;
    }
    return [Uint8Array.of(map), links, values];
  };
  return put([height, entries.length, node(0, entries.length, 0, height)]);
}

export const range = (from, count) => encodeRuns([BigInt(from), BigInt(count)]);
const amount = (value) => bigToBytes(value);
const pair = (count) => [amount(SECTOR_SIZE * BigInt(count)), amount(SECTOR_SIZE * BigInt(count))];
const NO_PAIR = [ZERO, ZERO];

/** The epoch of `quantized` grid at or after `epoch`. */
const onGrid = (epoch, last) => last + Math.ceil((epoch - last) / DAY) * DAY;

/**
 * A state whose miner has `count` proven sectors and `pending` pre-commitments. The deadline `current` ends at `epoch`;
 * with `proven` its window PoSt is in.
 */
export async function makeMinerState(count, { pending = 0, proven = true } = {}) {
  const file = JSON.parse(gunzipSync(readFileSync(FIXTURE)).toString("utf8"));
  const store = new MemoryStore();
  store.writeNow({ blocks: readCar(gunzipSync(Buffer.from(file.car, "base64"))).blocks });
  const put = (value) => {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
    return cid;
  };
  const read = (cid) => dagCbor.decode(store.peek(cid.bytes));
  const [version, tree, infoCid] = read(CID.parse(file.scenarios[0].root));
  const actors = [];
  for await (const entry of hamtEntries(store, tree)) actors.push([entry.key ?? entry[0], entry.value ?? entry[1]]);
  const minerCode = "fil/2/storageminer";
  const isMiner = ([, [code]]) => new TextDecoder().decode(code.multihash.digest) === minerCode;
  const found = actors.find(isMiner);
  const old = read(found[1][1]);
  const start = old[10];
  const epoch = start + DAY * 3 + WINDOW - 1;
  const period = start + DAY * 3;
  const sector = (number) => [
    number,
    3,
    sealedCid(number),
    [],
    epoch - DAY,
    epoch + 300 * DAY,
    ZERO,
    ZERO,
    amount(PLEDGE),
    amount(FIL / 1000n),
    amount(FIL / 50n),
    0,
    ZERO,
  ];
  const sectors = buildAmt(
    Array.from({ length: count }, (_, i) => [i, sector(i)]),
    put,
  );
  const empty = buildAmt([], put);
  const due = [];
  for (let d = 0; d < DEADLINES; d++) {
    const from = Math.floor((count * d) / DEADLINES);
    const to = Math.floor((count * (d + 1)) / DEADLINES);
    const end = period + (d + 1) * WINDOW - 1;
    const at = onGrid(epoch + 300 * DAY, end);
    const parts = [];
    for (let a = from; a < to; a += PARTITION) {
      const size = Math.min(PARTITION, to - a);
      const set = [range(a, size), ZERO, amount(PLEDGE * BigInt(size)), pair(size), NO_PAIR];
      const queue = buildAmt([[at, set]], put);
      parts.push([range(a, size), ZERO, ZERO, ZERO, ZERO, queue, empty, pair(size), NO_PAIR, NO_PAIR, NO_PAIR]);
    }
    const index = parts.length === 0 ? empty : buildAmt([[at, range(0, parts.length)]], put);
    const posts = proven && parts.length > 0 ? range(0, parts.length) : ZERO;
    due.push(
      put([
        buildAmt(
          parts.map((p, i) => [i, p]),
          put,
        ),
        index,
        posts,
        ZERO,
        to - from,
        to - from,
        NO_PAIR,
      ]),
    );
  }
  const preCommits = [];
  for (let i = 0; i < pending; i++) {
    const number = count + i;
    const info = [3, number, sealedCid(number), epoch - 400, [], epoch + 300 * DAY, false, 0, 0, 0];
    preCommits.push([varint(number), [info, amount(FIL / 10n), epoch - 200, ZERO, ZERO]]);
  }
  const state = [
    old[0],
    amount((FIL / 10n) * BigInt(pending)),
    ZERO,
    old[3],
    ZERO,
    amount(PLEDGE * BigInt(count)),
    buildHamt(preCommits, (block) => store.writeNow({ blocks: [block] })),
    empty,
    put(range(0, count + pending)),
    sectors,
    period,
    0,
    put([due]),
    ZERO,
  ];
  const head = put(state);
  const balance = amount(10_000_000n * FIL);
  const changed = actors.map((entry) =>
    entry === found ? [entry[0], [entry[1][0], head, entry[1][2], balance]] : entry,
  );
  const root = put([version, buildHamt(changed, (block) => store.writeNow({ blocks: [block] })), infoCid]);
  return {
    store,
    root,
    miner: Address.fromBytes(found[0]),
    worker: Address.fromBytes(read(old[0])[1]),
    epoch,
    sectors: count,
  };
}

function varint(value) {
  const out = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) out.push((value % 128) | 0x80);
  return Uint8Array.from([...out, value]);
}

/** Counts what a machine reads. */
export function hostOf(store) {
  const counter = { reads: 0 };
  const host = {
    peek: (cid) => {
      counter.reads++;
      return store.peek(cid);
    },
    ticketRandomness: () => new Uint8Array(32),
    beaconRandomness: () => new Uint8Array(32),
    verifyPoSt: () => true,
    verifySeal: () => true,
  };
  return { host, counter };
}

/** Opens a machine on such a state, with the miner's power and pledge entered. */
export async function openMachine(made) {
  const { host, counter } = hostOf(made.store);
  const vm = await Vm.create(host);
  const open = (root) =>
    vm.open({
      stateRoot: root,
      epoch: made.epoch,
      networkVersion: NETWORK_VERSION,
      baseFee: 100n,
      circulatingSupply: SUPPLY,
    });
  open(made.root);
  const power = amount(SECTOR_SIZE * BigInt(made.sectors));
  must(vm.applyImplicit(call(made.miner, POWER, 3n, dagCbor.encode([power, power]))));
  must(vm.applyImplicit(call(made.miner, POWER, 6n, dagCbor.encode(amount(PLEDGE * BigInt(made.sectors))))));
  const root = vm.flush();
  for (const block of vm.madeBlocks()) made.store.writeNow({ blocks: [block] });
  return { vm, counter, reopen: () => open(root) };
}

export function call(from, to, method, params) {
  return encodeMessage({
    version: 0,
    to,
    from,
    nonce: 0n,
    value: 0n,
    gasLimit: 1n << 40n,
    gasFeeCap: 0n,
    gasPremium: 0n,
    method,
    params,
  });
}

export function must(applied) {
  if (applied.exitCode !== 0) throw new Error(`exit ${applied.exitCode}: ${applied.why}`);
  return applied;
}
