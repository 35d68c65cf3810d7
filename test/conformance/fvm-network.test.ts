/**
 * Local networks at today's versions with the published actors, in Node, in Deno and in the browser alike: blocks with rewards and
 * cron, transfers, a contract that is deployed and called by ordinary messages. Actors are nobody's to commit: where no bundles are
 * at hand this says so and skips.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { concat, fromBase64, fromHex, toBase64, toHex } from "../../src/base/bytes.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { findVersion } from "../../src/schema/versions/rows.ts";
import { Address } from "../../src/types/address.ts";
import { EAM } from "../../src/types/singletons.ts";
import token from "../fixtures/contracts/token.json" with { type: "json" };
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

const CREATE_EXTERNAL = 4;
const INVOKE_EVM = 3844450837;

/** Head's state behind the steps below, by network version: the same in every engine. */
const ROOTS: readonly (readonly [version: number, root: string])[] = [
  [17, "bafy2bzaceaqoqe4mivhia2zjxnkqgewxfgtyhn6sf4gr23i5flxyn3mnv3cus"],
  [18, "bafy2bzacecustrq2hecpylgxakm3rtvc3kj7mrttiaann63iya2oy3hcste3s"],
  [28, "bafy2bzacedoabzgs3w2njterfkvgykseroys4nauykjtwkr24pixoizq3wr6q"],
];

const bundles = givenBundles();
const found = await Promise.all(ROOTS.map(([version]) => bundles.find("devnet", findVersion(version)?.actors ?? 0)));

const word = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(64, "0"));
const wordOf = (bytes: Uint8Array, i: number): bigint => BigInt(`0x${toHex(bytes.subarray(32 * i, 32 * i + 32))}`);

type Receipt = { readonly ExitCode: number; readonly Return: string; readonly EventsRoot: { "/": string } | null };

async function openNet(version: number, bundle: (typeof found)[number]) {
  const net = await Devnet.open({
    ...{ ...TEST_OPTIONS, networkVersion: version },
    ...(bundle === undefined ? {} : { bundle }),
  });
  const from = `${net.accounts[0]?.secp256k1}`;
  const send = async (message: Record<string, unknown>): Promise<Receipt> => {
    const pushed = await net.request("MpoolPushMessage", { From: from, Value: "0", ...message }, null);
    // By hand: one tipset that carries it, and one that tells what became of it.
    await net.clock.mine(2);
    return (await net.request("StateWaitMsg", pushed.CID, 0, -1, true)).Receipt;
  };
  return { net, send };
}

async function useContract(send: (message: Record<string, unknown>) => Promise<Receipt>, net: Devnet): Promise<void> {
  const params = (bytes: Uint8Array): string => toBase64(dagCbor.encode(bytes));
  const code = concat(fromHex(token.bytecode.slice(2)), word(1000n));
  const made = await send({ To: `${EAM}`, Method: CREATE_EXTERNAL, Params: params(code) });
  expect(made.ExitCode).toBe(0);
  const [id, , ethereum] = dagCbor.decode<[number, Uint8Array, Uint8Array]>(fromBase64(made.Return));
  const contract = Address.fromEthereum(ethereum).toString("t");
  expect(await net.request("StateLookupID", contract, [])).toBe(`t0${id}`);
  // transfer(address,uint256) of 7 to nobody, then balanceOf(address) of it.
  const to = word(0x1234n);
  const moved = await send({
    ...{ To: contract, Method: INVOKE_EVM },
    Params: params(concat(fromHex("a9059cbb"), to, word(7n))),
  });
  expect([moved.ExitCode, wordOf(dagCbor.decode(fromBase64(moved.Return)), 0)]).toEqual([0, 1n]);
  const [event] = await net.request("ChainGetEvents", moved.EventsRoot);
  expect(event).toMatchObject({ Emitter: id, Entries: [{ Key: "t1" }, { Key: "t2" }, { Key: "t3" }, { Key: "d" }] });
  const asked = await net.request(
    "StateCall",
    {
      ...{ From: `${net.accounts[1]?.secp256k1}`, To: contract, Value: "0", Method: INVOKE_EVM },
      Params: params(concat(fromHex("70a08231"), to)),
    },
    [],
  );
  expect(wordOf(dagCbor.decode(fromBase64(asked.MsgRct.Return)), 0)).toBe(7n);
  expect((await net.request("StateReadState", contract, [])).State).toMatchObject({ Nonce: 1, Tombstone: null });
  // More than there is: the contract reverts, which is exit code 33.
  const short = { To: contract, Method: INVOKE_EVM, Params: params(concat(fromHex("a9059cbb"), to, word(5000n))) };
  expect((await send({ ...short, GasLimit: 50_000_000 })).ExitCode).toBe(33);
}

/** States of the storage actors, whose fields their version says; the miner's own entries by the methods for miners. */
async function readStorageActors(net: Devnet, actors: number): Promise<void> {
  const read = async (address: string) => (await net.request("StateReadState", address, [])).State;
  expect(await read("t04")).toMatchObject({ MinerCount: 1, TotalQualityAdjPower: "0" });
  expect(Object.keys((await read("t04")) as object)).toHaveLength(actors >= 15 ? 17 : 15);
  expect(Object.keys((await read("t05")) as object)).toHaveLength(actors >= 13 ? 13 : 12);
  expect(await read("t06")).toMatchObject({ NextAllocationId: 1 });
  expect(await read("t07")).toMatchObject({ Governor: "t06", Token: { Supply: "0" } });
  const miner = `${net.miner}`;
  const state = (await read(miner)) as { readonly LockedFunds: string; readonly VestingFunds: unknown };
  expect(state).toMatchObject({ InitialPledge: "0", EarlyTerminations: [0] });
  if (actors >= 16) expect(state.VestingFunds).toMatchObject({ Head: { Amount: expect.any(String) } });
  expect(await net.request("StateMinerInfo", miner, [])).toMatchObject({
    SectorSize: 2048,
    WindowPoStProofType: actors >= 11 ? 10 : 5,
  });
  expect((await net.request("StateMinerPower", miner, [])).MinerPower.RawBytePower).toBe("0");
  expect(await net.request("StateMinerDeadlines", miner, [])).toHaveLength(48);
  // Nothing is free on the first day, whatever vests.
  expect(BigInt(await net.request("StateMinerAvailableBalance", miner, []))).toBeGreaterThanOrEqual(0n);
  expect(await net.request("StateMarketParticipants", [])).toEqual({});
}

for (const [i, [version, root]] of ROOTS.entries()) {
  const bundle = found[i];
  const actors = findVersion(version)?.actors;
  const lacking = `no bundle holds the actors v${actors} of devnet; ${HOW}`;
  if (bundle === undefined) {
    console.warn(`skipped: ${lacking}`);
    test.skip(`network version ${version}: ${lacking}`, () => undefined);
    continue;
  }
  test(`network version ${version} with the published actors`, { timeout: 120_000 }, async () => {
    const { net, send } = await openNet(version, bundle);
    try {
      const to = `${net.accounts[1]?.bls}`;
      expect((await send({ To: to, Value: "5" })).ExitCode).toBe(0);
      expect(await net.request("WalletBalance", to)).toBe(`${TEST_OPTIONS.balance + 5n}`);
      if (version >= 18) await useContract(send, net);
      await net.producer.produce(net.head.height + 3);
      await net.clock.mine(1);
      const read = async (address: string) => (await net.request("StateReadState", address, [])).State;
      expect(await read("t01")).toMatchObject({ NetworkName: net.network.name });
      expect(await read("t02")).toMatchObject({ Epoch: net.head.height });
      expect(await read("t03")).toMatchObject({ Entries: [{ MethodNum: 5 }, { MethodNum: 9 }] });
      expect(await read(`${net.accounts[0]?.id}`)).toEqual({ Address: net.accounts[0]?.secp256k1.toString("t") });
      await readStorageActors(net, actors ?? 0);
      // Rewards arrive: the miner has more than nothing.
      expect(BigInt((await net.request("StateGetActor", `${net.miner}`, [])).Balance)).toBeGreaterThan(0n);
      expect(`${net.head.blocks[0]?.parentStateRoot}`).toBe(root);
    } finally {
      await net.close();
    }
  });
}
