/** Messages of the storage market, byte for byte as the official Go types write them; and what is none of them. */
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { WHOLE_DAG } from "../../../src/market/graphsync/selector.ts";
import {
  BOOST_PROTOCOLS,
  type BoostOffer,
  decodeBoostAnswer,
  decodeBoostOffer,
  decodeBoostStatus,
  decodeBoostStatusRequest,
  decodeHttpSource,
  encodeBoostAnswer,
  encodeBoostOffer,
  encodeBoostStatus,
  encodeBoostStatusRequest,
  encodeHttpSource,
  NO_TRANSFER,
  newUuid,
} from "../../../src/market/storage/boost-messages.ts";
import {
  decodeAskRequest,
  decodeAskResponse,
  decodeDataRef,
  decodeLegacyOffer,
  decodeLegacyStatusRequest,
  decodeSignedAsk,
  decodeSignedDealState,
  decodeSignedResponse,
  encodeAsk,
  encodeAskRequest,
  encodeAskResponse,
  encodeDataRef,
  encodeLegacyOffer,
  encodeLegacyStatusRequest,
  encodeResponse,
  encodeSignedAsk,
  encodeSignedDealState,
  encodeSignedResponse,
  LEGACY_STATES,
  legacyCode,
} from "../../../src/market/storage/legacy-messages.ts";
import {
  clientFunds,
  decodeProposal,
  decodeSignedProposal,
  encodeProposal,
  encodeSignedProposal,
  labelText,
  proposalCid,
  signedProposalCid,
} from "../../../src/market/storage/proposal.ts";
import { readStorageVoucher, storageVoucher } from "../../../src/market/storage/pushed.ts";
import { decodeTransfer, encodeTransfer, transferRequest } from "../../../src/market/transfer/message.ts";
import { parseCid } from "../../../src/types/cid.ts";
import go from "../../fixtures/market/go-messages.json" with { type: "json" };

type Name = Exclude<keyof typeof go, "note" | "states" | "proposalCid" | "signedProposalCid" | "push">;
const bytes = (name: Name): Uint8Array => fromHex(go[name]);

test.each<[Name, (bytes: Uint8Array) => Uint8Array]>([
  ["proposalText", (b) => encodeProposal(decodeProposal(b))],
  ["proposalBytes", (b) => encodeProposal(decodeProposal(b))],
  ["proposalEmpty", (b) => encodeProposal(decodeProposal(b))],
  ["signedProposal", (b) => encodeSignedProposal(decodeSignedProposal(b))],
  ["signedAsk", (b) => encodeSignedAsk(decodeSignedAsk(b))],
  ["askRequest", (b) => encodeAskRequest(decodeAskRequest(b))],
  ["askResponse", (b) => encodeAskResponse(decodeAskResponse(b))],
  ["askResponseNull", (b) => encodeAskResponse(decodeAskResponse(b))],
  ["dataRef", (b) => encodeDataRef(decodeDataRef(b))],
  ["dataRefGraphsync", (b) => encodeDataRef(decodeDataRef(b))],
  ["legacyProposal", (b) => encodeLegacyOffer(decodeLegacyOffer(b))],
  ["signedResponse", (b) => encodeSignedResponse(decodeSignedResponse(b))],
  ["statusRequest", (b) => encodeLegacyStatusRequest(decodeLegacyStatusRequest(b))],
  ["statusResponse", (b) => encodeSignedDealState(decodeSignedDealState(b))],
  ["dealParams", (b) => encodeBoostOffer(decodeBoostOffer(b), BOOST_PROTOCOLS.deal)],
  ["dealParamsOffline", (b) => encodeBoostOffer(decodeBoostOffer(b), BOOST_PROTOCOLS.deal)],
  ["dealParamsV120", (b) => encodeBoostOffer(decodeBoostOffer(b), BOOST_PROTOCOLS.dealBefore)],
  ["dealResponse", (b) => encodeBoostAnswer(decodeBoostAnswer(b))],
  ["boostStatusRequest", (b) => encodeBoostStatusRequest(decodeBoostStatusRequest(b))],
  ["boostStatusResponse", (b) => encodeBoostStatus(decodeBoostStatus(b))],
  ["boostStatusError", (b) => encodeBoostStatus(decodeBoostStatus(b))],
])("%s is read, and written to the same bytes", (name, again) => {
  expect(toHex(again(bytes(name)))).toBe(go[name]);
});

test("fields are where they belong", () => {
  const proposal = decodeProposal(bytes("proposalText"));
  expect(proposal).toMatchObject({ pieceSize: 2048n, verified: true, startEpoch: 1000n, endEpoch: 600_000n });
  expect(proposal).toMatchObject({ pricePerEpoch: 12_345n, providerCollateral: 1n << 40n, clientCollateral: 0n });
  expect([`${proposal.client}`, `${proposal.provider}`]).toEqual([
    "f1abjxfbp274xpdqcpuaykwkfb43omjotacm2p3za",
    "f01000",
  ]);
  expect(labelText(proposal.label)).toMatch(/^bafkrei/);
  expect(labelText(decodeProposal(bytes("proposalBytes")).label)).toBe("0x00ff07");
  expect(`${proposalCid(proposal)}`).toBe(go.proposalCid);
  expect(clientFunds(proposal)).toBe(12_345n * 599_000n);

  const { ask } = decodeSignedAsk(bytes("signedAsk"));
  expect(toHex(encodeAsk(ask))).toBe(go.ask);
  expect(ask).toMatchObject({ price: 500_000_000n, verifiedPrice: 50_000_000n, seqNo: 3n, expiry: 1_000_005n });
  expect(decodeAskResponse(bytes("askResponseNull"))).toBeNull();
  expect(decodeDataRef(bytes("dataRef"))).toMatchObject({
    transferType: "manual",
    pieceSize: 2032n,
    rawBlockSize: 1700n,
  });
  const { response } = decodeSignedResponse(bytes("signedResponse"));
  expect(response).toMatchObject({ state: legacyCode("ProposalRejected"), message: "no" });
  const accepted = {
    state: legacyCode("WaitingForData"),
    message: "",
    proposal: parseCid(go.proposalCid),
    publishMessage: null,
  };
  expect(toHex(encodeResponse(accepted))).toBe(go.response);
  expect(decodeSignedDealState(bytes("statusResponse")).deal).toMatchObject({
    state: 7,
    dealId: 77n,
    addFundsCid: null,
  });

  const offer = decodeBoostOffer(bytes("dealParams"));
  expect(offer).toMatchObject({
    uuid: "01234567-89ab-4cde-8f01-23456789abcd",
    removeUnsealed: true,
    skipAnnounce: true,
  });
  const source = { url: "http://127.0.0.1:1/x", headers: { Authorization: "Basic abc" } };
  expect(decodeHttpSource(offer.transfer.params)).toEqual(source);
  expect(encodeHttpSource(source)).toEqual(offer.transfer.params);
  expect(decodeBoostOffer(bytes("dealParamsOffline")).transfer).toEqual(NO_TRANSFER);
  expect(decodeBoostOffer(bytes("dealParamsV120"))).toMatchObject({ removeUnsealed: false, skipAnnounce: false });
  expect(decodeBoostStatus(bytes("boostStatusResponse")).deal).toMatchObject({ status: "Published", dealId: 77n });
});

test("states have the codes of the reference", () => {
  expect(LEGACY_STATES.map((name) => `StorageDeal${name}`)).toEqual(go.states);
});

test("an offer to the first form that names all fields is read as well", () => {
  const offer: BoostOffer = {
    ...decodeBoostOffer(bytes("dealParams")),
    uuid: newUuid((n) => new Uint8Array(n).fill(255)),
  };
  expect(offer.uuid).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
  expect(decodeBoostOffer(encodeBoostOffer(offer, BOOST_PROTOCOLS.deal))).toEqual(offer);
});

test("pushes for deals: go-fil-markets' name of a proposal, its voucher, and what is said of the channel", () => {
  const signed = signedProposalCid(decodeLegacyOffer(bytes("legacyProposal")).signed);
  expect(`${signed}`).toBe(go.signedProposalCid);
  for (const hex of Object.values(go.push)) expect(toHex(encodeTransfer(decodeTransfer(fromHex(hex))))).toBe(hex);
  const root = parseCid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
  for (const type of ["new", "restart"] as const) {
    const voucher = storageVoucher(signed);
    const said = transferRequest({ type, id: 42n, root, selector: WHOLE_DAG, voucher });
    expect(toHex(encodeTransfer(said))).toBe(go.push[type]);
    const heard = decodeTransfer(fromHex(go.push[type]));
    expect(heard.isRequest && `${readStorageVoucher(heard.voucher)}`).toBe(go.signedProposalCid);
  }
  expect(decodeTransfer(fromHex(go.push.restartExisting))).toMatchObject({ restart: { id: 42n }, root: null });
  expect(readStorageVoucher({ type: "", bytes: fromHex("80") })).toBeNull();
});

test("what is no message is refused by the field's name", () => {
  const code = { data: expect.objectContaining({ code: "BAD_MESSAGE" }) };
  const bad = (work: () => unknown, text: RegExp): void => {
    expect(work).toThrow(expect.objectContaining(code));
    expect(work).toThrow(text);
  };
  for (const name of ["proposalText", "signedProposal", "dealParams", "legacyProposal", "statusResponse"] as const) {
    const whole = bytes(name);
    for (let cut = 0; cut < whole.length; cut += 7)
      expect(() =>
        [decodeProposal, decodeSignedProposal, decodeBoostOffer, decodeLegacyOffer, decodeSignedDealState].map((read) =>
          read(whole.subarray(0, cut)),
        ),
      ).toThrow(expect.objectContaining(code));
  }
  bad(() => decodeProposal(new Uint8Array(300_000)), /300000 bytes/);
  bad(() => decodeProposal(Uint8Array.of(0x80)), /11 fields/);
  bad(() => decodeBoostAnswer(Uint8Array.of(0x80)), /a map is expected/);
  bad(() => decodeBoostAnswer(Uint8Array.of(0xa0)), /DealResponse.Accepted: is missing/);
  // A longer head than is needed: a proposal has one form only.
  const text = go.proposalText.replace("190800", "1a00000800");
  bad(() => decodeProposal(fromHex(text)), /CBOR|canonical/);
  bad(() => decodeHttpSource(new Uint8Array(3)), /JSON/);
  bad(() => decodeHttpSource(new TextEncoder().encode('{"URL":1}')), /URL/);
  bad(() => decodeHttpSource(new TextEncoder().encode('{"URL":"http://a","Headers":{"a":1}}')), /Headers/);
});
