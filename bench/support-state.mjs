/**
 * States of many accounts, and plain sends between them, for benches of the machine. CBOR is encoded by the copy that dist/ has: the
 * peers' one, in bench/node_modules, would be loaded beside it and counted in a cold start.
 */
import { buildHamt } from "../dist/storage/hamt-build.js";
import { MemoryStore } from "../dist/storage/memory.js";
import { Address } from "../dist/types/address.js";
import { bigToBytes } from "../dist/types/amount.js";
import { cidOfBlock, cidOfText } from "../dist/types/cid.js";
import { encodeMessage } from "../dist/types/message.js";
import * as dagCbor from "../node_modules/@ipld/dag-cbor/src/index.js";
import { accountAddress, plainSend } from "./support-first.mjs";

const BALANCE = bigToBytes(10n ** 24n);

/** A version 1 state tree (network version 5) with `count` accounts, ids from 100. */
export function makeState(count) {
  const store = new MemoryStore();
  const put = (block) => store.writeNow({ blocks: [block] });
  const putObject = (value) => {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    put({ cid: cid.bytes, bytes });
    return cid;
  };
  const code = (name) => cidOfText(`fil/2/${name}`);
  const account = code("account");
  const id = (n) => Address.id(n).bytes;
  const addresses = [];
  const actors = [];
  const empty = putObject([]);
  // One state for all: a plain send never reads it.
  const shared = putObject([accountAddress(Address, 0).bytes]);
  for (let i = 0; i < count; i++) {
    const address = accountAddress(Address, i).bytes;
    addresses.push([address, 100 + i]);
    actors.push([id(100 + i), [account, shared, 0, BALANCE]]);
  }
  const map = buildHamt(addresses, put);
  const init = putObject([map, 100 + count, "bench"]);
  actors.push([id(0), [code("system"), empty, 0, new Uint8Array(0)]]);
  actors.push([id(1), [code("init"), init, 0, new Uint8Array(0)]]);
  actors.push([id(2), [code("reward"), empty, 0, BALANCE]]);
  actors.push([id(99), [account, empty, 0, new Uint8Array(0)]]);
  const root = putObject([1, buildHamt(actors, put), empty]);
  return { store, root };
}

/** A machine's context on such a state. */
export function contextOf(root) {
  return { stateRoot: root, epoch: 150_000, networkVersion: 5, baseFee: 100n, circulatingSupply: 10n ** 27n };
}

/** Host of a machine that needs blocks only. */
export function hostOf(store) {
  const none = () => {
    throw new Error("no plain send asks for this");
  };
  return {
    peek: (cid) => store.peek(cid),
    ticketRandomness: none,
    beaconRandomness: none,
    verifyPoSt: none,
    verifySeal: none,
  };
}

/** `count` plain sends, senders and receivers spread over the accounts, nonces in order. */
export function makeSends(accounts, count) {
  const nonces = new Uint32Array(accounts);
  const messages = [];
  let x = 12345;
  const next = () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x % accounts;
  };
  for (let i = 0; i < count; i++) {
    const from = next();
    messages.push(encodeMessage(plainSend(Address, from, next(), BigInt(nonces[from]++))));
  }
  return messages;
}
