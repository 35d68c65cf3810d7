/**
 * Data under the published actors: deals that the market publishes and sectors' proofs activate, one of them verified, and pieces
 * without deals (FIP-0076), one of which claims an allocation. Where no bundles are at hand this says so and skips.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../src/base/bytes.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { findVersion } from "../../src/schema/versions/rows.ts";
import type { Address } from "../../src/types/address.ts";
import { bigToBytes } from "../../src/types/amount.ts";
import { parseCid } from "../../src/types/cid.ts";
import { DATACAP, VERIFIED_REGISTRY } from "../../src/types/singletons.ts";
import { active, importFile, type Link, makeFile, startDeal, type View } from "../support/deals.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

const VERSION = Number(process.env["FILIGREE_DEALS_AT"] ?? 28);
/** Of the verified registry, and the token's Transfer after FRC-0042. */
const METHOD = { addVerifier: 2, addVerifiedClient: 4, transfer: 80_475_954 } as const;
const CAP = 1n << 20n;

const bundles = givenBundles();
const bundle = await bundles.find("devnet", findVersion(VERSION)?.actors ?? 0);

describe.skipIf(bundle === undefined)(`data at version ${VERSION}${bundle === undefined ? ` (${HOW})` : ""}`, () => {
  let net: Devnet;
  let folder: string;
  let miner: string;
  let client: Address;
  beforeAll(async () => {
    const given = bundle === undefined ? {} : { bundle };
    net = await Devnet.open({ ...TEST_OPTIONS, ...given, networkVersion: VERSION, blockTime: 0, miners: 1 });
    folder = await mkdtemp(path.join(tmpdir(), "filigree-data-"));
    miner = net.miner.toString("t");
    client = net.accounts[1]?.secp256k1 as Address;
  }, 60_000);
  afterAll(async () => {
    await net?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function send(from: Address, to: Address, method: number, params: Uint8Array): Promise<Uint8Array> {
    const message = {
      ...{ Version: 0, To: to.toString("t"), From: from.toString("t"), Nonce: 0, Value: "0", Method: method },
      ...{ GasLimit: 0, GasFeeCap: "0", GasPremium: "0", Params: toBase64(params) },
    };
    const { CID: cid } = await net.request<{ CID: Link }>("MpoolPushMessage", message, null);
    const { Receipt: receipt } = await net.request<View>("StateWaitMsg", cid, 0, -1, true);
    expect(receipt.ExitCode).toBe(0);
    return fromBase64(receipt.Return ?? "");
  }
  const proven = async (sector: number): Promise<View> => {
    await net.request("Devnet.mineToSector", miner, sector, "Proving", 200);
    return net.request<View>("SectorsStatus", sector, true);
  };

  test("a deal: published, activated by its sector's proof, and shown to be there", async () => {
    await makeFile(path.join(folder, "one"), 700);
    // From version 21 on deals and sectors last 1278 days and not 540.
    const days = VERSION >= 21 ? 1200 : 500;
    const deal = await startDeal(net, await importFile(net, path.join(folder, "one")), { Duration: days * 2880 });
    const { client: bought, provider: sold } = await active(net, deal);
    expect(sold).toMatchObject({ DealId: 0, Sector: 1, Error: "" });
    expect(bought).toMatchObject({ DealId: 0, Activated: sold["Activated"], Slashed: null });
    const status = await net.request<View>("SectorsStatus", 1, true);
    const shown = await net.request<View>("Filigree.ClientVerifyDeal", deal);
    expect(shown).toEqual({ Sector: 1, Offset: 0, SectorBytes: 2048, CommD: status["CommD"] });
    await net.clock.mine(1);
    const { State: state } = await net.request<View>("StateMarketStorageDeal", 0, []);
    expect(state.SectorStartEpoch).toBe(sold["Activated"]);
    const { Expiration } = await net.request<View>("SectorsStatus", 1, true);
    expect(Expiration).toBeGreaterThanOrEqual(bought["Proposal"].EndEpoch);
  });

  test("a verified deal takes its client's data cap, and its sector counts tenfold where its piece lies", async () => {
    const [root, verifier] = [net.accounts[0]?.secp256k1 as Address, net.accounts[2]?.secp256k1 as Address];
    const grant = (to: Address, cap: bigint) => dagCbor.encode([to.bytes, bigToBytes(cap)]);
    await send(root, VERIFIED_REGISTRY, METHOD.addVerifier, grant(verifier, 2n * CAP));
    await send(verifier, VERIFIED_REGISTRY, METHOD.addVerifiedClient, grant(client, CAP));
    const cap = (): Promise<string> => net.request("StateVerifiedClientStatus", client.toString("t"), []);
    expect(await cap()).toBe(`${CAP}`);
    await makeFile(path.join(folder, "two"), 701);
    const root2 = await importFile(net, path.join(folder, "two"));
    const deal = await startDeal(net, root2, { Verified: true });
    const { provider: sold } = await active(net, deal);
    expect(sold["Error"]).toBe("");
    expect(await cap()).toBe(`${CAP - 1024n}`);
    const status = await proven(sold["Sector"]);
    const life = BigInt(status["Expiration"] - status["Activation"]);
    expect(BigInt(status["VerifiedDealWeight"])).toBe(1024n * life);
  });

  test("data without deals: one piece claims an allocation, another claims none", async () => {
    await makeFile(path.join(folder, "three"), 900);
    await makeFile(path.join(folder, "four"), 400);
    const placed = await net.request<View>("Filigree.SectorAddPiece", path.join(folder, "four"), { Seal: false });
    const { Number: sector } = placed["Sector"];
    const commP = await net.request<View>("ClientCalcCommP", path.join(folder, "three"));
    const provider = Number(net.miner.actorId);
    const terms = [518_400, 5 * 365 * 2880, net.head.height + 10_000];
    const allocation = [provider, parseCid(commP["Root"]["/"]), 1024, ...terms];
    const transfer = [VERIFIED_REGISTRY.bytes, bigToBytes(1024n * 10n ** 18n), dagCbor.encode([[allocation], []])];
    const returned = dagCbor.decode(await send(client, DATACAP, METHOD.transfer, dagCbor.encode(transfer)));
    const [, , data] = returned as [Uint8Array, Uint8Array, Uint8Array];
    const [, , [id]] = dagCbor.decode(data) as [unknown, unknown, number[]];
    const { Address: clientId } = { Address: await net.request<string>("StateLookupID", client.toString("t"), []) };
    const Allocation = { Client: Number(clientId.slice(2)), ID: id };
    const onChain = await net.request<View>("StateGetAllocation", clientId, id, []);
    expect(onChain).toMatchObject({
      Provider: provider,
      Data: commP["Root"],
      Size: 1024,
      TermMin: terms[0],
      Expiration: terms[2],
    });
    const other = net.request("Filigree.SectorAddPiece", path.join(folder, "four"), { Allocation });
    await expect(other).rejects.toThrow(/t0\d+\/\d+: it is about a piece of 1024 bytes, and this one has 512/);
    const none = net.request("Filigree.SectorAddPiece", path.join(folder, "three"), {
      Allocation: { ...Allocation, ID: 99 },
    });
    await expect(none).rejects.toThrow(/\/99: the verified registry does not have it/);
    expect(await net.request("StateGetClaim", net.miner.toString("t"), id, [])).toBeNull();
    const second = await net.request<View>("Filigree.SectorAddPiece", path.join(folder, "three"), { Allocation });
    expect(second).toMatchObject({ Sector: { Number: sector }, Offset: 1024, Piece: { Size: 1024 } });
    const status = await proven(sector);
    expect(status["Pieces"].map(({ DealInfo }: View) => DealInfo.PieceActivationManifest)).toMatchObject([
      { Size: 512, VerifiedAllocationKey: null },
      { Size: 1024, VerifiedAllocationKey: Allocation },
    ]);
    const life = BigInt(status["Expiration"] - status["Activation"]);
    expect(BigInt(status["VerifiedDealWeight"])).toBe(1024n * life);
    expect(BigInt(status["DealWeight"])).toBe(512n * life);
    expect(await net.request("StateGetAllocation", clientId, id, [])).toBeNull();
    expect(await net.request("StateGetClaim", net.miner.toString("t"), id, [])).toEqual({
      ...{ Provider: provider, Client: Allocation.Client, Data: commP["Root"], Size: 1024 },
      ...{ TermMin: terms[0], TermMax: terms[1], TermStart: status["Activation"], Sector: sector },
    });
    const again = net.request("Filigree.SectorAddPiece", path.join(folder, "three"), { Allocation });
    await expect(again).rejects.toThrow(/t0\d+\/\d+: it is claimed already/);
  });
});
