/** Window PoSt while the chain moves on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HeadView, MinerChain } from "../../../src/miner/chain-side/chain.ts";
import { MessageTracker } from "../../../src/miner/chain-side/tracker.ts";
import { WindowPoster } from "../../../src/miner/window-poster.ts";
import type { LocalMiners } from "../../../src/node/local-miners.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import type { Message } from "../../../src/types/message.ts";
import { type LabMiner, MinerLab } from "../../support/miner-lab.ts";

const POST = 5n;

let lab: MinerLab;
let miner: LabMiner;
let open: number;
/** Messages that came into the pool. */
const sent: Message[] = [];
beforeAll(async () => {
  lab = await MinerLab.open({ miners: 1, sectors: 2, accounts: 10 });
  miner = lab.miners[0] as LabMiner;
  open = (await lab.deadlineOf(miner)).open;
  lab.net.node.pool.onChange(({ kind, signed }) => kind === "add" && sent.push(signed.message));
  // The epochs before are of no interest.
  await lab.passTo(open - 1);
});
afterAll(() => lab?.close());

/** A poster for `own` that sees `head`, and whose messages go through `send`. */
function posterAt(head: () => Promise<HeadView>, send: MinerChain["send"]) {
  const local = lab.net.local as LocalMiners;
  const prover = local.making(lab.net.node.states).prover;
  return new WindowPoster({
    prover,
    accountOf: (own) => {
      const real = local.chainOf(own, lab.net.node);
      const chain: MinerChain = Object.create(real, { head: { value: head }, send: { value: send } });
      return { chain, tracker: new MessageTracker(chain, new MemoryStore()) };
    },
  });
}

test("a proof that fails is made again on the next head; only when it fails there too, somebody is told", async () => {
  await lab.step();
  const { own } = miner;
  // What fails for another miner, of which the chain knows nothing, takes no turn from this one.
  let turns = 0;
  const fails: MinerChain["send"] = async () => {
    turns++;
    throw new Error("deadline is not open");
  };
  const both = posterAt(() => miner.chain.head(), fails);
  await expect(both.headMoved([{ ...own, address: Address.id(999_999) }, own])).rejects.toThrow("999999");
  expect(turns).toBe(1);

  const now = await miner.chain.head();
  let head = now;
  const later = (epochs: number): HeadView => ({ ...now, height: now.height + epochs });
  turns = 0;
  let work = fails;
  const poster = posterAt(
    async () => head,
    (...args) => work(...args),
  );
  await poster.headMoved([own]);
  await poster.headMoved([own]);
  expect(turns).toBe(1);
  head = later(1);
  await expect(poster.headMoved([own])).rejects.toThrow("deadline is not open");
  // A third into the window it has its next turn, and fails because the head moves: that is not told, however often.
  work = async (...args) => {
    head = { ...later(21), key: [] };
    return fails(...args);
  };
  for (let time = 0; time < 3; time++) {
    head = later(20);
    await poster.headMoved([own]);
    expect(turns).toBe(3 + time);
  }
});

test("what was proven is proven anew when a reorganisation takes it back, and only once otherwise", async () => {
  await lab.poster.headMoved([miner.own]);
  const posts = () => sent.filter(({ to, method }) => method === POST && to.equals(miner.own.address));
  const fork = lab.net.head;
  await lab.step();
  await lab.step();
  expect(posts()).toHaveLength(1);
  const { index } = await miner.chain.deadline();
  expect((await miner.chain.sectorsDue(index)).proven).toEqual([0]);
  await lab.net.node.chain.setHead(fork);
  await lab.net.node.pool.clear();
  expect((await miner.chain.sectorsDue(index)).proven).toEqual([]);
  await lab.step();
  await lab.step();
  expect((await miner.chain.sectorsDue(index)).proven).toEqual([0]);
  await lab.passTo(open + 70);
  expect(posts()).toHaveLength(2);
  const { sectors, power } = await lab.lab.report(miner.own.address);
  expect([sectors.active, power.raw]).toEqual([[0, 1], 4096n]);
});
