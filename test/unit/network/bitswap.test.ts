/** Messages of bitswap, lists of wants and the client without any network. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { isFilError } from "../../../src/base/errors.ts";
import { BitswapClient } from "../../../src/network/bitswap-client.ts";
import { BitswapServer } from "../../../src/network/bitswap-server.ts";
import {
  BITSWAP_PROTOCOLS,
  type BitswapMessage,
  type BitswapWant,
  cidsOf,
  decodeBitswap,
  encodeBitswap,
  prefixOf,
} from "../../../src/network/wire/bitswap.ts";
import { type CID, cidOfBlock } from "../../../src/types/cid.ts";
import { cidNumber } from "../../support/headers.ts";

const NEWEST = BITSWAP_PROTOCOLS[0];
const want = (cid: CID, over: Partial<BitswapWant> = {}): BitswapWant => ({
  ...{ cid, priority: 1, cancel: false, type: "block", sendDontHave: false },
  ...over,
});
const message = (over: Partial<BitswapMessage>): BitswapMessage => ({
  ...{ wants: [], full: false, blocks: [], haves: [], dontHaves: [] },
  ...over,
});
const cid = cidOfBlock(utf8("data"));
const block = { prefix: prefixOf(cid), data: utf8("data") };

test("a message comes back as it went, in the newest version", () => {
  const whole = message({
    wants: [want(cid, { priority: -5, type: "have", sendDontHave: true }), want(cidNumber(1), { cancel: true })],
    full: true,
    blocks: [block],
    haves: [cidNumber(2)],
    dontHaves: [cidNumber(3)],
  });
  expect(decodeBitswap(encodeBitswap(whole, NEWEST))).toEqual(whole);
});

test("older versions say what they can: blocks with and without prefix, no presences", () => {
  const whole = message({ wants: [want(cid, { type: "have" })], blocks: [block], haves: [cid] });
  const as = (protocol: string) => decodeBitswap(encodeBitswap(whole, protocol));
  expect(as(BITSWAP_PROTOCOLS[1])).toEqual(message({ wants: [want(cid)], blocks: [block] }));
  for (const old of BITSWAP_PROTOCOLS.slice(2))
    expect(as(old)).toEqual(message({ wants: [want(cid)], blocks: [{ prefix: null, data: block.data }] }));
});

test("the CID of a block is made of its bytes, of hashes that are known", () => {
  expect(`${cidsOf(block)}`).toBe(`${cid}`);
  expect(cidsOf({ prefix: null, data: block.data }).map(String)).toContain(`${cid}`);
  for (const prefix of [
    [],
    [1],
    [1, 0x71, 0x13, 64],
    [0, 0x70, 0x12, 32],
    [1, 0x71, 0x12, 31],
    [0xff],
    [1, 1, 1, 1, 1],
  ])
    expect(cidsOf({ prefix: Uint8Array.from(prefix), data: block.data })).toEqual([]);
});

test("changed and cut bytes end in a named error or in another message", () => {
  const bytes = encodeBitswap(message({ wants: [want(cid)], blocks: [block], haves: [cid] }), NEWEST);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
      const changed = cut ? bytes.slice(0, at) : bytes.slice();
      if (!cut) changed[at] = value;
      try {
        decodeBitswap(changed);
      } catch (error) {
        expect(isFilError(error)).toBe(true);
      }
    }),
  );
});

function server(get: (cid: Uint8Array) => Promise<Uint8Array | undefined>) {
  const sent: BitswapMessage[] = [];
  const made = new BitswapServer({
    objects: { get },
    now: () => 0,
    sleep: async () => undefined,
    send: async (_peer, answer) => {
      sent.push(answer);
    },
    onFault: () => undefined,
  });
  return { server: made, sent };
}

test("what is missing is said if asked to, else sent when it arrives; a list is bounded and forgotten", async () => {
  let isThere = false;
  const { server: serves, sent } = server(async () => (isThere ? block.data : undefined));
  serves.wants("a", message({ wants: [want(cid), want(cidNumber(1), { sendDontHave: true })] }));
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.dontHaves.map(String)).toEqual([`${cidNumber(1)}`]);
  isThere = true;
  serves.lookAgain();
  await vi.waitFor(() => expect(sent[1]?.blocks).toEqual([block]));
  isThere = false;
  for (let round = 0; round < 3; round++)
    serves.wants("a", message({ wants: Array.from({ length: 1000 }, (_, i) => want(cidNumber(1000 * round + i))) }));
  expect(serves.size).toBe(1024);
  serves.wants("a", message({ wants: [want(cidNumber(3))], full: true }));
  expect(serves.size).toBe(1);
  serves.forget("a");
  expect(serves.size).toBe(0);
});

test("who asks whether a block is here is told so, or given it if it is small; the most wanted comes first", async () => {
  const large = new Uint8Array(5000);
  const { server: serves, sent } = server(async (bytes) => (bytes.at(-1) === cid.bytes.at(-1) ? block.data : large));
  const other = cidNumber(1);
  serves.wants("a", message({ wants: [want(cid, { type: "have" }), want(other, { type: "have", priority: 9 })] }));
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  expect([sent[0]?.haves.map(String), sent[0]?.blocks]).toEqual([[`${other}`], [block]]);
});

function client(peers: readonly string[]) {
  const said: [peer: string, want: BitswapWant][] = [];
  const offences: string[] = [];
  const made = new BitswapClient({
    peers: () => peers,
    now: () => 0,
    say: async (peer, one) => {
      said.push([peer, one]);
    },
    onOffence: (peer, offence) => offences.push(`${peer} ${offence}`),
  });
  return { client: made, said, offences };
}
const signal = new AbortController().signal;

test("the first peer is asked for a block, the others whether they have it; who has it is asked next", async () => {
  const { client: asks, said, offences } = client(["a", "b", "c"]);
  const got = asks.getBlock(cid, { signal });
  expect(said.map(([peer, { type }]) => `${peer} ${type}`)).toEqual(["a block", "b have", "c have"]);
  asks.received("c", message({ haves: [cid] }));
  asks.received("a", message({ dontHaves: [cid] }));
  expect(said.at(-1)).toMatchObject(["c", { type: "block" }]);
  asks.received("c", message({ blocks: [block] }));
  expect(await got).toEqual(block.data);
  expect(said.filter(([, { cancel }]) => cancel).map(([peer]) => peer)).toEqual(["b", "c"]);
  asks.received("a", message({ blocks: [block] }));
  expect(offences).toEqual([]);
});

test("bytes of another CID are an offence and no answer", async () => {
  const { client: asks, offences } = client(["a"]);
  asks.received("a", message({ blocks: [block] }));
  const got = asks.getBlock(cidNumber(9), { signal });
  asks.received("a", message({ blocks: [block, { prefix: null, data: utf8("bare") }] }));
  expect(offences).toEqual(["a unwantedBlock", "a unwantedBlock", "a unwantedBlock"]);
  asks.received("a", message({ dontHaves: [cidNumber(9)] }));
  await expect(got).rejects.toMatchObject({ code: "NOT_FOUND" });
});
