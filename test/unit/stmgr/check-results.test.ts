/** A chain that was taken in from a snapshot: its last tipsets executed again, receipts that it did not have computed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Chain } from "../../../src/chain/chain.ts";
import { exportChain } from "../../../src/chain/export.ts";
import { importSnapshot } from "../../../src/chain/import.ts";
import { NO_RANDOMNESS } from "../../../src/chain/randomness.ts";
import { HeadersInChain } from "../../../src/consensus/header-in-chain.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Executor } from "../../../src/exec/executor.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { GENESIS_RESERVE } from "../../../src/node/genesis.ts";
import { DEVNET } from "../../../src/params/networks.ts";
import { checkResults } from "../../../src/stmgr/check-results.ts";
import { localRules } from "../../../src/stmgr/network-rules.ts";
import { StateManager } from "../../../src/stmgr/state-manager.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { BlockHeader, Tipset } from "../../../src/types/block-header.ts";
import { signedMessageCid } from "../../../src/types/message.ts";
import { gather, sourceOf } from "../../support/bytes-source.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

const ROOTS = 4;

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  for (let i = 0; i < 4; i++) {
    const [from, to] = [net.accounts[i], net.accounts[0]];
    await net.request("MpoolPushMessage", { From: `${from?.bls}`, To: `${to?.id}`, Value: "1" }, null);
    await net.clock.mine(2);
  }
});
afterAll(() => net.close());

/** The chain down from a tipset, in a store of its own that got it as a snapshot. */
async function takenIn(head: Tipset): Promise<StateManager> {
  const file = await gather(exportChain(net.node.chain, head, { recentRoots: ROOTS, skipOldMessages: false }));
  const store = new MemoryStore();
  await importSnapshot(store, sourceOf(file), { hashes: await loadCrypto() });
  const chain = await Chain.open({ blocks: store });
  const proofs = { verifyPoSt: () => false, verifySeal: () => false };
  const machine = new Executor({ profile: "devnet" }, { blocks: store, randomness: NO_RANDOMNESS, proofs });
  const rules = localRules(DEVNET, GENESIS_RESERVE);
  const machines = { tipsets: machine, calls: machine };
  return new StateManager({ chain, network: DEVNET, rules, machines, now: () => 0 });
}

test("the last epochs are executed and found equal, as far as there are states", async () => {
  const states = await takenIn(net.head);
  expect(states.chain.statesFrom).toBe(net.head.height - ROOTS);
  expect(await checkResults(states, { epochs: 2 })).toEqual({ tipsets: 2, blocks: 2, lowest: net.head.height - 1 });
  const seen: number[] = [];
  const validateBlock = async ({ height }: BlockHeader): Promise<void> => void seen.push(height);
  expect(await checkResults(states, { epochs: 100, validateBlock })).toMatchObject({ tipsets: ROOTS });
  expect(seen).toEqual([5, 6, 7, 8]);
  expect((await states.result(net.head)).stateRoot).toEqual((await net.node.states.result(net.head)).stateRoot);
});

test("time, weight and base fee of a head are told from its chain", async () => {
  const [top] = net.head.blocks as [BlockHeader];
  const states = await takenIn(net.head);
  const headers = new HeadersInChain(states, await states.chain.genesis());
  await checkResults(states, { epochs: 100, validateBlock: (header) => headers.check(header) });
  const changes: readonly (readonly [Partial<BlockHeader>, string])[] = [
    [{ timestamp: top.timestamp + 1n }, "TIMESTAMP"],
    [{ timestamp: 0n }, "TIMESTAMP"],
    [{ parentWeight: top.parentWeight + 1n }, "PARENT_WEIGHT"],
    [{ parentBaseFee: top.parentBaseFee + 1n }, "BASE_FEE"],
  ];
  for (const [change, code] of changes)
    await expect(headers.check({ ...top, ...change })).rejects.toMatchObject({ code });
});

test("a head that names another state than its parent's is found out", async () => {
  const { chain } = net.node;
  const [top] = net.head.blocks as [BlockHeader];
  const below = (await chain.tipsetAtOrBefore(net.head.height - 2)).blocks[0] as BlockHeader;
  const forged = await chain.put({ headers: [{ ...top, parentStateRoot: below.parentStateRoot }] });
  const states = await takenIn(forged);
  await expect(checkResults(states, { epochs: 3 })).rejects.toMatchObject({
    code: "RESULT_MISMATCH",
    data: { what: "state root" },
  });
});

test("receipts that the snapshot did not have are computed where states allow it, and else the reason is given", async () => {
  const states = await takenIn(net.head);
  const { chain } = states;
  const carried = async (epoch: number) => {
    const [one] = await net.node.chain.tipsetMessages(await net.node.chain.tipsetAtOrBefore(epoch));
    return one?.signed === null || one?.signed === undefined ? one?.cid : signedMessageCid(one.signed);
  };
  const options = { lookback: -1, allowReplaced: true };
  await expect(states.search(chain.head, (await carried(3)) as never, options)).rejects.toMatchObject({
    code: "STATE_COLLECTED",
  });
  const recent = await states.search(chain.head, (await carried(7)) as never, options);
  expect(recent?.receipt.exitCode).toBe(0);
  expect(recent?.tipset.height).toBe(8);
});
