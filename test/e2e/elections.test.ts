/**
 * A local network whose miners hold sealed sectors: they are elected, prove their sectors in time, and every block
 * stands before the validator that other nodes would use.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildMessageMeta } from "../../src/chain/message-store.ts";
import { BlockError } from "../../src/consensus/errors.ts";
import { BlockDoor } from "../../src/consensus/gossip-checks.ts";
import { powerTable } from "../../src/consensus/power.ts";
import { checkState } from "../../src/core/state-check.ts";
import { Devnet } from "../../src/node/devnet.ts";
import type { LocalMiners } from "../../src/node/local-miners.ts";
import { partitionsOf } from "../../src/state/miner-sectors.ts";
import { Address } from "../../src/types/address.ts";
import { FIL } from "../../src/types/amount.ts";
import { type BlockHeader, headerCid, type Tipset } from "../../src/types/block-header.ts";
import { messageCid, signedMessageCid } from "../../src/types/message.ts";
import { memoryOf } from "../support/memory-of.ts";

const MINERS = 3;
const SECTORS = 2;
/** The first deadline with a sector in it opens at epoch 133: it follows from the miners' ids. */
const EPOCHS = 150;

describe("three miners, two sectors each", () => {
  let net: Devnet;
  const tipsets: Tipset[] = [];
  beforeAll(async () => {
    net = await Devnet.open({
      accounts: 2,
      balance: 1000n * FIL,
      seed: "elections",
      blockTime: 0,
      genesisTime: 1_700_000_000,
      data: null,
      version: "test",
      miners: MINERS,
      sectors: SECTORS,
    });
    net.node.chain.onHeadChange((changes) => {
      for (const { type, tipset } of changes) if (type === "apply") tipsets.push(tipset);
    });
    await net.clock.mine(EPOCHS);
  }, 240_000);
  afterAll(() => net?.close());

  test("all of them produce, some epochs have several blocks", () => {
    const producers = new Set(tipsets.flatMap(({ blocks }) => blocks.map(({ miner }) => miner.toString())));
    expect(producers.size).toBe(MINERS);
    expect(tipsets.some(({ blocks }) => blocks.length > 1)).toBe(true);
  });

  test("no sector is faulty, no power is lost, what is due was proven, and all invariants hold", async () => {
    const { states, chain } = net.node;
    const view = await states.stateAfter(net.head);
    expect((await powerTable(chain.blocks, view)).total).toBe(2048n * BigInt(MINERS * SECTORS));
    for (const { address } of (net.local as LocalMiners).miners)
      for await (const { faults } of partitionsOf(chain.blocks, await view.requireActor(address), "t"))
        expect(faults).toEqual([]);
    const { stateRoot } = await states.result(net.head);
    const report = await checkState(stateRoot, net.head.height, memoryOf(chain.blocks), { profile: "devnet" });
    expect(report.complaints).toEqual([]);
    const proofs = [];
    for (const tipset of tipsets)
      for (const { message } of await chain.tipsetMessages(tipset)) if (message.method === 5n) proofs.push(message.to);
    expect(proofs.length).toBeGreaterThan(0);
  });

  test("the weight over RPC is the one that the blocks on top of a tipset name", async () => {
    const above = tipsets[20] as Tipset;
    const { parents, parentWeight } = above.blocks[0] as BlockHeader;
    const key = parents.map((cid) => ({ "/": cid.toString() }));
    expect(await net.request("Filecoin.ChainTipSetWeight", key)).toBe(parentWeight.toString());
  });

  test("at the door: passed on once, refused when changed, ignored when nothing can be said of it", async () => {
    const { states } = net.node;
    const crypto = net.node.crypto;
    const header = net.head.blocks[0] as BlockHeader;
    const { bls, secp } = await net.node.chain.messages(header);
    const announced = { header, blsMessages: bls.map(messageCid), secpMessages: secp.map(signedMessageCid) };
    const door = new BlockDoor({
      states,
      verifyBls: (key, message, signature) => crypto.blsVerify(key, message, signature),
      genesisTime: 1_700_000_000,
      now: () => Number(header.timestamp) * 1000,
    });
    const verdict = async (over: Partial<BlockHeader>, more: object = {}) => {
      const { action, error } = await door.judge({ ...announced, header: { ...header, ...over }, ...more });
      return [action, error?.code];
    };
    const signature = header.blockSig as NonNullable<BlockHeader["blockSig"]>;
    const flipped = signature.data.map((b, i) => (i === 20 ? b ^ 1 : b));
    expect(await verdict({ blockSig: { ...signature, data: flipped } })).toEqual(["reject", "BLOCK_SIGNATURE"]);
    expect(await verdict({ blockSig: null })).toEqual(["reject", "SIGNATURE_MISSING"]);
    expect(await verdict({}, { blsMessages: [headerCid(header)] })).toEqual(["reject", "MESSAGE_ROOT"]);
    expect(await verdict({ electionProof: { winCount: 0n, vrfProof: new Uint8Array(96) } })).toEqual([
      "reject",
      "WIN_COUNT_LOW",
    ]);
    expect(await verdict({ height: header.height + 6 })).toEqual(["ignore", "OUT_OF_RANGE"]);
    expect(await verdict({ miner: Address.id(1_000_000) })).toEqual(["later", "LOOKBACK_UNKNOWN"]);
    const stranger = await door.judge({ ...announced, header: { ...header, miner: Address.id(1_000_000) } });
    expect(stranger.error?.message).toMatch("t01000000");
    expect(await verdict({})).toEqual(["accept", undefined]);
    expect(await verdict({})).toEqual(["ignore", "SEEN"]);
  });

  test("every block passes the whole validation; changed ones do not", async () => {
    const { states, chain } = net.node;
    const validator = (net.local as LocalMiners).validator(states);
    for (const tipset of tipsets.slice(0, 15))
      for (const header of tipset.blocks) {
        const report = await validator.validate({ header, messages: await chain.messages(header) });
        expect(report.winningPost).toBe("verified");
      }
    const header = tipsets[10]?.blocks[0] as BlockHeader;
    const messages = await chain.messages(header);
    const [post] = header.winPoStProof as [NonNullable<BlockHeader["winPoStProof"][0]>];
    const changed = { ...post, proofBytes: post.proofBytes.map((b, i) => (i === 40 ? b ^ 1 : b)) };
    const verdict = validator.validate({ header: { ...header, winPoStProof: [changed] }, messages });
    await expect(verdict).rejects.toBeInstanceOf(BlockError);
    await expect(verdict).rejects.toMatchObject({ code: "WINNING_POST" });
    const nobody = Address.id(1_000_000);
    const noMiner = validator.validate({ header: { ...header, miner: nobody }, messages });
    await expect(noMiner).rejects.toThrow("t01000000 is no miner");
    const message = {
      ...{ to: nobody, from: nobody, nonce: 0n, value: 0n, gasLimit: 1n, gasFeeCap: 0n, gasPremium: 0n, method: 0n },
      params: new Uint8Array(0),
    };
    const more = { ...messages, bls: [...messages.bls, message] };
    const noSender = validator.validate({
      header: { ...header, messages: buildMessageMeta(more).root },
      messages: more,
    });
    await expect(noSender).rejects.toThrow("sender t01000000 has no key");
  });
});
