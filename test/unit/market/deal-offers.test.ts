/**
 * What a provider makes of offers: each rule by its field, limit and what was offered; offers that lie; deals that miss their
 * deadline, are slashed or expire; several published in one message, the bad one alone.
 */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { addressOf, signBytes } from "../../../src/keys/keys.ts";
import {
  answerLegacyOffer,
  answerLegacyStatus,
  answerOffer,
  answerStatus,
} from "../../../src/market/storage/answers.ts";
import { type BoostOffer, encodeHttpSource, newUuid, uuidBytes } from "../../../src/market/storage/boost-messages.ts";
import { cidCbor, legacyCode } from "../../../src/market/storage/legacy-messages.ts";
import { type DealProposal, proposalCid, signedProposalCid } from "../../../src/market/storage/proposal.ts";
import type { ProviderDeal } from "../../../src/market/storage/provider-record.ts";
import { RecordBook } from "../../../src/market/storage/record-book.ts";
import { DEFAULT_RULES, type DealRules } from "../../../src/market/storage/rules.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { cidOfText } from "../../../src/types/cid.ts";
import { go, offerOf, PEER, proposalOf, ready, rich } from "../../support/deal-offers.ts";
import { MINER, rootOf } from "../../support/market-chain.ts";
import { openNode, PAYLOAD, PIECE, settle } from "../../support/market-node.ts";
import { keyOfNumber } from "../../support/paych-chain.ts";

const crypto = await loadCrypto();
type Bad = [what: string, Partial<DealProposal>, message: RegExp, rules?: Partial<DealRules>];
const OTHER_PIECE = cidOfText("no piece");
test.each<Bad>([
  ["another provider", { provider: Address.id(7) }, /provider: f01000; f07 was offered/],
  ["a piece of no power of two", { pieceSize: 1000n }, /pieceSize: a power of two from 128 to 2048/],
  ["a piece larger than a sector", { pieceSize: 1n << 50n }, /pieceSize: .*; 1125899906842624 was offered/],
  ["a piece of nothing", { pieceSize: 0n }, /pieceSize/],
  ["data that does not fit its piece", { pieceSize: 512n }, /transferSize: 1 to 508 bytes for a piece of 512; 700/],
  ["no piece CID", { pieceCid: OTHER_PIECE }, /pieceCid: a piece CID of version 1/],
  ["a label that is too long", { label: "x".repeat(257) }, /label: at most 256 bytes; 257 bytes/],
  ["a label of bytes", { label: Uint8Array.of(1) }, /label: text/],
  ["an end before its start", { endEpoch: 1n }, /endEpoch: after the start, epoch 2000; 1/],
  ["a start that is past", { startEpoch: 5n }, /startEpoch: after epoch 10/],
  ["a start that is too soon", { startEpoch: 300n }, /startEpoch: epoch 510 to 172810, 500 to 172800 from now; 300/],
  ["a start that is too late", { startEpoch: 10n ** 7n, endEpoch: 10n ** 7n + 518_400n }, /startEpoch: epoch 510/],
  ["too short", { endEpoch: 2001n }, /duration: 518400 to 1555200 epochs, the network's bounds; 1 /],
  ["too long", { endEpoch: 1n << 60n }, /duration: 518400 to 1555200/],
  [
    "an end beyond any sector's",
    { startEpoch: 160_000n, endEpoch: 160_000n + 1_500_000n },
    /endEpoch: at most epoch 1555209, .*; 1660000 was offered/,
  ],
  ["a negative price", { pricePerEpoch: -1n }, /price: 0 to/],
  ["more than there is", { pricePerEpoch: 1n << 100n }, /price: 0 to/],
  ["a price below the ask's", { pricePerEpoch: 475n }, /price: at least 476 attoFIL an epoch, as the ask says; 475/],
  ["a negative collateral of the client", { clientCollateral: -5n }, /clientCollateral/],
  ["too little collateral", { providerCollateral: 4771n }, /providerCollateral: at least 4772 attoFIL; 4771/],
  ["too much collateral", { providerCollateral: 10_001n }, /providerCollateral: at most 10000 attoFIL; 10001/],
  [
    "more than the escrow holds",
    { clientCollateral: 10n ** 19n },
    /clientBalance: .* free in the client's escrow; 1 FIL/,
  ],
  ["verified, without a data cap", { verified: true }, /dataCap: 1024 bytes of the client's data cap; 0/],
  ["a client whom nobody knows", { client: Address.id(1n << 40n) }, /signature|client/],
  ["unverified, where only verified ones are taken", {}, /verified: .*unverified/, { unverified: false }],
  ["by hand, where no such are taken", {}, /offline: this provider takes no offline deals/, { offline: false }],
  ["of a client that is denied", {}, /client: none of the denied list/, { deniedClients: ["t0101"] }],
  ["of a client that is not allowed", {}, /client: one of the allowed list/, { allowedClients: ["f0999"] }],
  ["of a piece that is denied", {}, /pieceCid: none of the denied/, { deniedPieces: [`${pieceCidV1(PIECE.commP)}`] }],
  ["one too many", {}, /deals: 0 on their way at a time/, { maxDeals: 0 }],
  ["shorter than the operator wants", {}, /duration: 600000 to 1555200 epochs; 518400/, { minDuration: 600_000 }],
  ["where the operator's check is not there", {}, /hook: .*could not be asked/, { hookUrl: "http://127.0.0.1:1/" }],
])("an offer is refused: %s", async (_, change, message, rules = {}) => {
  const { market, node } = await rich();
  await node.provider.setRules({ ...DEFAULT_RULES, ...rules });
  const { accepted, message: told } = await answerOffer(node.provider, offerOf(proposalOf(market, change)), PEER);
  expect([accepted, told]).toEqual([false, expect.stringMatching(message)]);
  expect(node.provider.list()).toEqual([]);
  await node.stop();
});

test("deals last as long as the network's version allows: from 21 on 1278 days and not 540 (FIP-0052)", async () => {
  const { market, node } = await rich();
  const told = async (days: bigint): Promise<string> => {
    const endEpoch = 2000n + days * 2880n;
    const proposal = proposalOf(market, { endEpoch, label: `${days} days at ${market.networkVersion}` });
    return (await answerOffer(node.provider, offerOf(proposal), PEER)).message;
  };
  market.balances.set("f0101", { escrow: 10n ** 22n, locked: 0n });
  market.networkVersion = 20;
  expect(await told(600n)).toMatch(/duration: 518400 to 1555200 epochs, the network's bounds; 1728000 was offered/);
  market.networkVersion = 21;
  expect(await told(600n)).toBe("");
  expect(await told(1277n)).toBe("");
  expect(await told(1278n)).toMatch(/endEpoch: at most epoch 3680649, the longest that a sector made now may last/);
  expect(await told(1279n)).toMatch(/duration: 518400 to 3680640 epochs, the network's bounds/);
  // An operator's own bound is one beside it.
  await node.provider.setRules({ ...DEFAULT_RULES, maxDuration: 700 * 2880 });
  expect(await told(701n)).toMatch(/duration: 518400 to 2016000 epochs; 2018880/);
  await node.stop();
});

test("offers that lie: signatures, sources, transfers, and what was offered before", async () => {
  const { market, node } = await rich();
  const { provider } = node;
  const told = async (offer: BoostOffer, peer: string | null = PEER): Promise<string> =>
    (await answerOffer(provider, offer, peer)).message;
  expect(await told(offerOf(proposalOf(market), 2))).toMatch(/signature: the client's/);
  const http = (url: string, headers: Record<string, string> = {}): Partial<BoostOffer> => ({
    isOffline: false,
    transfer: { type: "http", clientId: "", params: encodeHttpSource({ url, headers }), size: 700n },
  });
  const from = (url: string, headers = {}) => told(offerOf(proposalOf(market), 1, http(url, headers)));
  expect(await from("ftp://127.0.0.1/x")).toMatch(/transferUrl: http, https or libp2p; ftp:/);
  expect(await from("http://10.0.0.1/x")).toMatch(/the rule remoteSources allows others; 10.0.0.1/);
  expect(await from("http://a:b@127.0.0.1/")).toMatch(/no password/);
  expect(await from("libp2p:///ip4/127.0.0.1")).toMatch(/transferUrl/);
  // Of the provider's own machine a peer names a piece's place alone, and says nothing there.
  const { pieceCid } = proposalOf(market);
  expect(await from("http://127.0.0.1:9200/_cluster")).toMatch(/of this machine \/piece\/.* alone; \/_cluster/);
  expect(await from(`http://localhost/piece/${pieceCid}?x=1`)).toMatch(/of this machine/);
  expect(await from(`http://[::1]/piece/${pieceCid}`, { "X-Aws": "1" })).toMatch(/no headers for this machine; X-Aws/);
  await provider.setRules({ ...provider.rules, remoteSources: true });
  expect(await from("http://127.0.0.1/x")).toMatch(/of this machine/);
  expect(await from("http://10.0.0.1/", { Range: "bytes=0-1" })).toMatch(/no headers of the connection's own; Range/);
  expect(await from("http://10.0.0.1/", { "a\nb": "c" })).toMatch(/headers of HTTP/);
  await provider.setRules({ ...provider.rules, remoteSources: false });
  expect(await from(`http://127.0.0.1/${"x".repeat(9000)}`)).toMatch(/at most 8192 characters/);
  const local = { isOffline: false, transfer: { type: "local", clientId: "", params: new Uint8Array(0), size: 700n } };
  expect(await told(offerOf(proposalOf(market), 1, local))).toMatch(
    /transferType: "http" or "libp2p", or an offline deal; "local"/,
  );
  const huge = { transfer: { type: "", clientId: "", params: new Uint8Array(0), size: (1n << 64n) - 1n } };
  expect(await told(offerOf(proposalOf(market), 1, huge))).toMatch(/transferSize/);

  const good = offerOf(proposalOf(market));
  expect(await told(good)).toBe("");
  // Asked again because the answer was lost: the same deal.
  expect(await told(good)).toBe("");
  expect(await told({ ...good, uuid: newUuid((n) => new Uint8Array(n).fill(250)) })).toMatch(
    /proposal: one that was not/,
  );
  expect(await told({ ...offerOf(proposalOf(market, { label: "b" })), uuid: good.uuid })).toMatch(/dealUuid/);
  expect(provider.list()).toHaveLength(1);
  // What accepted deals will lock counts for the next.
  market.balances.set("f0101", { escrow: 500n * 518_400n, locked: 0n });
  expect(await told(offerOf(proposalOf(market, { label: "c" })))).toMatch(/clientBalance: .*; 0 FIL was offered/);
  // A deal is told of to its client alone.
  const status = (key: number) =>
    answerStatus(provider, { uuid: good.uuid, signature: signBytes(crypto, keyOfNumber(key), uuidBytes(good.uuid)) });
  expect((await status(2)).error).toMatch(/not found/);
  expect(await status(1)).toMatchObject({ error: "", isOffline: true, deal: { status: "Accepted", error: "" } });
  await node.stop();
});

test("the older protocol: deals by hand are taken, of unknown ways refused, answers are signed by the worker", async () => {
  const { market, node } = await rich();
  const { provider } = node;
  const proposal = proposalOf(market);
  const piece = {
    transferType: "manual",
    root: rootOf(1),
    pieceCid: proposal.pieceCid,
    pieceSize: 1016n,
    rawBlockSize: 0n,
  };
  const { signed } = offerOf(proposal);
  const no = await answerLegacyOffer(
    provider,
    { signed, piece: { ...piece, transferType: "carrier pigeon" }, fastRetrieval: true },
    PEER,
  );
  expect(no.response).toMatchObject({ state: legacyCode("ProposalRejected"), proposal: signedProposalCid(signed) });
  expect(no.response.message).toMatch(/transferType: "manual" or "graphsync"; "carrier pigeon" was offered/);
  const yes = await answerLegacyOffer(provider, { signed, piece, fastRetrieval: true }, PEER);
  expect(yes.response).toMatchObject({ state: legacyCode("WaitingForData"), message: "" });
  const ask = (key: number) => {
    const cid = signedProposalCid(signed);
    return answerLegacyStatus(provider, {
      proposal: cid,
      signature: signBytes(crypto, keyOfNumber(key), cidCbor(cid)),
    });
  };
  expect((await ask(1)).deal).toMatchObject({ state: legacyCode("WaitingForData"), dealId: 0n, fastRetrieval: true });
  expect((await ask(2)).deal).toMatchObject({ state: legacyCode("ProposalNotFound"), proposal: null });
  const other = offerOf(proposalOf(market, { provider: Address.id(9) })).signed;
  await expect(answerLegacyOffer(provider, { signed: other, piece, fastRetrieval: true }, PEER)).rejects.toThrow(
    /provider/,
  );
  expect(yes.signature.type).toBe(1);
  expect(addressOf(crypto, keyOfNumber(2)).equals(market.worker)).toBe(true);
  await node.stop();
});

test("deals that are ready are published together; one that the client cannot pay any more fails alone", async () => {
  const { market, disk, node, states } = await ready(3);
  expect(node.provider.pending().dueAt).toBeGreaterThan(Date.now());
  // The client has taken out what the third needs.
  market.held(Address.id(101)).escrow = 2n * 500n * 518_400n;
  await go(market, () => {
    node.provider.publishNow();
    return states().every((state) => ["Active", "Failed"].includes(state));
  });
  expect(states().sort()).toEqual(["Active", "Active", "Failed"]);
  const failed = node.provider.list().find(({ state }) => state === "Failed");
  expect(failed?.error).toMatch(/exit code 19|escrow does not cover/);
  expect(market.deals).toHaveLength(2);
  // Nothing is held for it any more, and its data is gone.
  expect((await node.funds.of(MINER)).holds.size).toBe(0);
  expect(disk.files.files.size).toBe(0);
  await node.stop();
});

test("a deal whose deadline comes as it is published is one or the other: it fails, or it is sent", async () => {
  const book = await RecordBook.open<ProviderDeal>(new MemoryStore(), "provider", () => 0, { isOver: () => false });
  const add = (id: string) => book.add({ id, state: "Publishing" } as ProviderDeal, "");
  for (const id of ["a", "b", "c"]) await add(id);
  const [seen, letGo] = [
    [] as string[],
    (id: string) => async () => {
      seen.push(id);
      await settle();
      return { state: "Failed" } as const;
    },
  ];
  const sent = (...ids: string[]) =>
    book.stepAll(
      "Publishing",
      ids.map((id) => ({ id, event: "sent", text: "", change: { state: "PublishWait" } })),
    );
  const over = (id: string) => book.end({ id, event: "failed", text: "", change: {} }, 0, letGo(id));
  const [failed, refused] = [over("a"), sent("a", "b")];
  await expect(refused).rejects.toMatchObject({ code: "WRONG_STATE" });
  expect([await failed, book.get("a").state, book.get("b").state]).toEqual([true, "Failed", "Publishing"]);
  const [first, late] = [sent("c"), over("c")];
  await first;
  expect([await late, book.get("c").state, seen]).toEqual([false, "PublishWait", ["a"]]);
});

test("data that comes as its deal's deadline passes is not taken, and nothing of it stays", async () => {
  const { market, disk, node } = await rich();
  const proposal = proposalOf(market);
  await answerOffer(node.provider, offerOf(proposal), PEER);
  await settle();
  const bytes = (async function* () {
    market.epoch = 1950;
    market.mine();
    for (let i = 0; i < 5; i++) await settle();
    yield PAYLOAD;
  })();
  const given = node.provider.importData(`${proposalCid(proposal)}`, { bytes, size: PAYLOAD.length });
  await expect(given).rejects.toMatchObject({ code: "WRONG_STATE" });
  expect([node.provider.list()[0]?.state, disk.files.files.size]).toEqual(["Failed", 0]);
  await node.stop();
});

test("a deal whose data is gone, as in a network that goes on from a file, gets it again from its source", async () => {
  const { market, disk, node } = await rich();
  await node.provider.setRules({ ...DEFAULT_RULES, publishDelayMs: 3_600_000 });
  const local = { isOffline: false, transfer: { type: "local", clientId: "", params: new Uint8Array(0), size: 700n } };
  expect((await answerOffer(node.provider, offerOf(proposalOf(market), 1, local), null)).message).toBe("");
  await go(market, () => node.provider.pending().deals.length === 1);
  await node.stop();
  disk.files.files.clear();
  const again = await openNode(market, disk);
  await go(market, () => {
    again.provider.publishNow();
    return again.provider.list()[0]?.state === "Active";
  });
  await again.stop();
});

test("of deals beyond the limit the oldest that is over is forgotten, log and all; others never", async () => {
  const store = new MemoryStore();
  let at = 0;
  const limits = { isOver: ({ state }: ProviderDeal) => state === "Failed", most: 3 };
  const open = () => RecordBook.open<ProviderDeal>(store, "provider", () => ++at, limits);
  const book = await open();
  const add = (id: string, state: string) => book.add({ id, state } as ProviderDeal, "");
  for (const [id, state] of [
    ["a", "Active"],
    ["c", "Failed"],
    ["b", "Failed"],
  ] as const)
    await add(id, state);
  await add("d", "Active");
  await add("e", "Active");
  await expect(add("f", "Active")).rejects.toMatchObject({ code: "LIMIT" });
  expect(book.all().map(({ id }) => id)).toEqual(["a", "d", "e"]);
  expect((await open()).all()).toEqual(book.all());
  expect((await store.metadataWith("deals/")).map(([key]) => key.split("/")[3])).toEqual([
    "a",
    "d",
    "e",
    "a",
    "d",
    "e",
  ]);
});

test("a deal whose sector was proven while its provider was away is active, however late that is seen", async () => {
  const { market, disk, node, states } = await ready(1);
  node.provider.publishNow();
  await go(market, () => states()[0] === "Sealing");
  await node.stop();
  market.mine();
  market.epoch = 3000;
  const again = await openNode(market, disk);
  await go(market, () => again.provider.list()[0]?.state !== "Sealing");
  expect(again.provider.list()[0]).toMatchObject({ state: "Active", error: "" });
  await again.stop();
});

test("a deal whose sector is given up before it is proven goes into another one, as long as there is time", async () => {
  const { market, node, states } = await ready(1);
  node.provider.publishNow();
  await go(market, () => states()[0] === "Sealing");
  market.giveUp(0);
  // The head stands still.
  node.provider.sectorMoved(MINER, node.provider.list()[0]?.sector as number);
  await go(market, () => market.placed.length === 2 && states()[0] === "Sealing");
  // Too late to seal another: it waits for what the chain says.
  market.giveUp(0);
  market.epoch = 1950;
  market.mine();
  await go(market, () => node.provider.list()[0]?.state !== "AddingPiece");
  expect([states(), market.placed]).toEqual([["Sealing"], [0, 0]]);
  market.epoch = 2000;
  market.mine();
  await go(market, () => states()[0] === "Failed");
  expect(node.provider.list()[0]?.error).toMatch(/should have been proven by epoch 2000/);
  await node.stop();
});

test("a piece that its sector has taken back is shown to be in none", async () => {
  const { market, node, states } = await ready(1);
  node.provider.publishNow();
  await go(market, () => states()[0] === "Active");
  const deal = node.provider.list()[0] as ProviderDeal;
  // Pieces of this market have no data: where one is held, its proof is asked for.
  expect(() => node.provider.inclusionOf(deal)).toThrow("no sector has data here");
  market.takeBack();
  expect(node.provider.inclusionOf(deal)).toBeNull();
  await node.stop();
});

test("no more deals than a message may carry are published in one", async () => {
  const { market, node, states } = await ready(5, { maxDealsPerMessage: 2 });
  for (let i = 0; i < 3; i++) {
    node.provider.publishNow();
    await go(market, () => states().filter((state) => state === "Active").length >= Math.min(5, 2 * (i + 1)));
  }
  expect(market.executed.filter(({ message }) => message.method === 4n)).toHaveLength(3);
  await node.stop();
});

test("a deal that is not ready in time fails at its deadline, and its collateral is free again", async () => {
  const { market, node, states } = await ready(1);
  expect((await node.funds.of(MINER)).holds.size).toBe(1);
  market.epoch = 2000 - 100;
  market.mine();
  await go(market, () => states()[0] === "Failed");
  expect(node.provider.list()[0]?.error).toBe("it should have been done by epoch 1900");
  expect((await node.funds.of(MINER)).holds.size).toBe(0);
  await node.stop();
});

test.each(["Slashed", "Expired", "Slashed between two looks"])("an active deal ends: %s", async (how) => {
  const { market, node, states } = await ready(1);
  node.provider.publishNow();
  await go(market, () => states()[0] === "Active");
  const deal = market.deals[0] as (typeof market.deals)[0];
  if (how === "Slashed") deal.slashed = market.epoch;
  else deal.gone = how === "Expired" ? 2000 + 518_400 : 40;
  // What came of it is seen after its end.
  market.epoch = 2000 + 518_420;
  market.mine();
  await go(market, () => states()[0] === how.split(" ")[0]);
  expect(node.provider.list()[0]?.slashed).toBe(how === "Expired" ? null : how === "Slashed" ? deal.slashed : 40);
  await node.stop();
});
