/**
 * Miners under the published actors: sectors of the genesis win blocks, a new sector is sealed, pre-committed and proven, and a window
 * PoSt is taken. Where no bundles are at hand this says so and skips.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toBase64 } from "../../src/base/bytes.ts";
import { faultJudge } from "../../src/consensus/fault-judge.ts";
import { signBlock } from "../../src/miner/draft-block.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { findVersion } from "../../src/schema/versions/rows.ts";
import { Address } from "../../src/types/address.ts";
import { type BlockHeader, encodeHeader } from "../../src/types/block-header.ts";
import { SIGNATURE_TYPE } from "../../src/types/message.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";
import { methodsFrom, powerOf } from "../support/miner-messages.ts";

const VERSION = 28;
/** With so many accounts the id of the miner has its sectors' first deadline open at this epoch. */
const ACCOUNTS = 23;
const DEADLINE = 139;
const METHOD = { windowPost: 5, preCommitBatch: 28, proveCommitSectors: 34, reportFault: 15 } as const;

const bundles = givenBundles();
const bundle = await bundles.find("devnet", findVersion(VERSION)?.actors ?? 0);

describe.skipIf(bundle === undefined)(`a miner at version ${VERSION}${bundle === undefined ? ` (${HOW})` : ""}`, () => {
  let net: Devnet;
  let miner: string;
  beforeAll(async () => {
    const given = bundle === undefined ? {} : { bundle };
    net = await Devnet.open({ ...TEST_OPTIONS, ...given, networkVersion: VERSION, accounts: ACCOUNTS, miners: 1 });
    miner = net.miner.toString("t");
  }, 60_000);
  afterAll(() => net?.close());

  test("its sectors of the genesis have power, are proven once, and win blocks that others validate", async () => {
    expect(await powerOf(net)).toBe("2048");
    expect(await net.request("StateMinerSectorCount", miner, [])).toEqual({ Live: 1, Active: 1, Faulty: 0 });
    await net.clock.mine(3);
    const validator = net.local?.validator(net.node.states);
    let validated = 0;
    for (let at = net.head; at.height > 0; at = (await net.node.chain.parent(at)) ?? at)
      for (const header of at.blocks) {
        const report = await validator?.validate({ header, messages: await net.node.chain.messages(header) });
        expect(report?.winningPost).toBe("verified");
        validated++;
      }
    expect(validated).toBeGreaterThanOrEqual(3);
    const [header] = net.head.blocks;
    if (header === undefined) throw new Error("no block");
    const forged = { ...header, winPoStProof: [{ postProof: 0n, proofBytes: new Uint8Array(192) }] };
    await expect(
      validator?.validate({ header: forged, messages: await net.node.chain.messages(header) }),
    ).rejects.toMatchObject({ data: { code: "WINNING_POST" } });
  });

  test("a new sector is pre-committed and proven by the methods of the version, for the pledge that was told", async () => {
    const { Number: number } = await net.request("PledgeSector", miner);
    await net.request("Devnet.mineToSector", miner, number, "Proving", DEADLINE - 60);
    expect(await methodsFrom(net, 1)).toEqual([METHOD.preCommitBatch, METHOD.proveCommitSectors]);
    const found = await net.request("StateSectorGetInfo", miner, number, []);
    expect(found).toMatchObject({ SectorNumber: number, SealProof: 5 });
    const duration = found.Expiration - found.Activation;
    const before = await net.request("ChainGetTipSetByHeight", found.Activation, []);
    const told = await net.request("StateMinerInitialPledgeForSector", duration, 2048, 0, before.Cids);
    expect(told).toBe(`${(BigInt(found.InitialPledge) * 110n) / 100n}`);
  });

  test("its window PoSt is taken, and the new sector has power from then on", async () => {
    await net.clock.skip(DEADLINE - net.head.height - 5);
    await net.clock.mineTo(DEADLINE + 6);
    expect(await methodsFrom(net, DEADLINE)).toEqual([METHOD.windowPost]);
    const [first] = await net.request("StateMinerDeadlines", miner, []);
    expect(first.PostSubmissions).toEqual([0, 1]);
    expect(await powerOf(net)).toBe("4096");
  });

  test("reports of headers that prove nothing fail, and the chain goes on", async () => {
    const [block] = net.head.blocks;
    const from = net.accounts[0]?.secp256k1;
    if (block === undefined || from === undefined) throw new Error("no block");
    const type = SIGNATURE_TYPE.bls;
    const headers: readonly BlockHeader[] = [
      { ...block, height: net.head.height + 5000 },
      { ...block, blockSig: { type, data: new Uint8Array(0) } },
      { ...block, miner: Address.id(100) },
      { ...block, miner: Address.id(10) },
    ];
    const reports = await Promise.all(
      headers.map(async (header) => {
        const two = [header, { ...header, forkSignaling: header.forkSignaling + 1n }].map((one) => encodeHeader(one));
        const message = {
          ...{ Version: 0, To: miner, From: from.toString("t"), Nonce: 0, Value: "0", Method: METHOD.reportFault },
          ...{ GasLimit: 100_000_000, GasFeeCap: "1000000", GasPremium: "100000" },
          Params: toBase64(dagCbor.encode([...two, new Uint8Array(0)])),
        };
        return (await net.request("MpoolPushMessage", message, null)).CID;
      }),
    );
    await net.clock.mine(2);
    for (const report of reports)
      expect(await net.request("StateSearchMsg", [], report, -1, true)).toMatchObject({ Receipt: { ExitCode: 16 } });
  });

  test("parents in another order are the same parents", async () => {
    const [block] = net.head.blocks;
    const worker = net.local?.miners[0]?.worker;
    if (block === undefined || worker === undefined) throw new Error("no block");
    const { states, crypto } = net.node;
    const signed = (header: BlockHeader): Uint8Array => {
      const draft = { header: { ...header, blockSig: null }, messages: [], blocks: [] };
      return encodeHeader(signBlock(crypto, draft, worker).header);
    };
    const parents = [...block.parents, block.messages];
    const first = signed({ ...block, parents });
    const judge = (more: Partial<BlockHeader>) =>
      faultJudge(crypto)(states, net.head, {
        ...{ first, second: signed({ ...block, parents, ...more }), extra: new Uint8Array(0) },
      });
    const height = block.height + 1;
    expect(await judge({ height, parents: parents.toReversed() })).toMatchObject({ kind: 3, epoch: height });
    expect(await judge({ height, parents: block.parents })).toBeNull();
  });

  test("a second block of one epoch, reported to its actor, excludes it", async () => {
    const report = await net.request("Devnet.equivocate", miner, true);
    await net.clock.mine(2);
    const { Receipt: receipt, Height: height } = await net.request("StateSearchMsg", [], report, -1, true);
    expect(receipt.ExitCode).toBe(0);
    const { ConsensusFaultElapsed: until } = await net.request("StateMinerInfo", miner, []);
    expect(until).toBe(height - 1 + 900);
  });
});
