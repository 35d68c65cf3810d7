/** kill -9 of a miner at random moments between the beginning of a sector and its proof on chain. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, test } from "vitest";
import { Network } from "./network.ts";
import { attackTimes, random } from "./tally.ts";

const KILLS = 30;
/** Sectors, each with one kill, that one folder gets. */
const SECTORS_PER_FOLDER = 10;
/** Milliseconds that a network may take to start: the machine may be busy. */
const START_MS = 300_000;
const PRE_COMMIT = 6;
const PROVE_COMMIT = 7;

const root = await mkdtemp(path.join(tmpdir(), "filigree-pledge-kill-"));
afterAll(() => rm(root, { recursive: true, force: true }));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Id = { readonly Number: number };
type Link = { readonly "/": string };
type Status = {
  readonly State: string;
  readonly LastErr: string;
  readonly PreCommitMsg: Link;
  readonly CommitMsg: Link;
};

const open = (data: string): Network =>
  new Network(data, "--miners", "1", "--sectors", "1", "--accounts", "3", "--block-time", "0.1");

/** Waits until a sector is on chain; throws if it needs a person or vanishes. */
async function proven(network: Network, number: number): Promise<Status> {
  for (const end = Date.now() + 300_000; ; await sleep(50)) {
    const found = await network.call<Status>("SectorsStatus", number, true);
    if (found.State === "Proving") return found;
    if (found.State === "FailedUnrecoverable") throw new Error(`sector ${number} was given up: ${found.LastErr}`);
    if (Date.now() > end) throw new Error(`sector ${number} is still ${found.State} ${found.LastErr}`);
  }
}

/** Messages of sealing that the chain carries from an epoch on. */
async function sealingMessages(network: Network, miner: string, from: number) {
  const cids = await network.call<Link[]>("StateListMessages", { To: miner }, [], from);
  const out = [];
  for (const cid of cids ?? []) {
    const { Method } = await network.call<{ Method: number }>("ChainGetMessage", cid);
    if (Method === PRE_COMMIT || Method === PROVE_COMMIT) out.push({ cid: cid["/"], method: Method });
  }
  return out;
}

/** Throws unless the sector begun at an epoch has one message of each kind, and no deposit or debt is left over. */
async function checkChain(network: Network, sectors: readonly number[], from: number): Promise<void> {
  const [miner] = await network.call<string[]>("StateListMiners", []);
  const messages = await sealingMessages(network, miner as string, from);
  for (const method of [PRE_COMMIT, PROVE_COMMIT]) {
    const count = messages.filter((one) => one.method === method).length;
    if (count !== 1) throw new Error(`${count} messages of method ${method}`);
  }
  const { State } = await network.call<{ State: { PreCommitDeposits: string; FeeDebt: string } }>(
    "StateReadState",
    miner,
    [],
  );
  if (State.PreCommitDeposits !== "0" || State.FeeDebt !== "0")
    throw new Error(`deposits of ${State.PreCommitDeposits}, a debt of ${State.FeeDebt}`);
  const numbers = await network.call<number[]>("SectorsList");
  if (numbers.join() !== sectors.join()) throw new Error(`sectors ${numbers.join()} instead of ${sectors.join()}`);
}

test("kill -9 of a miner while a sector is sealed and committed", async (context) => {
  const rnd = random(3);
  /** Milliseconds that a sector takes without a kill; measured with the first. */
  let whole = 0;
  /** Sectors of a folder that were acknowledged, whatever became of their runs. */
  const given = new Map<string, number[]>();
  await attackTimes(context, KILLS, async (run) => {
    const data = path.join(root, `${Math.floor(run / SECTORS_PER_FOLDER)}`);
    // The genesis has one.
    const sectors = given.get(data) ?? [0];
    given.set(data, sectors);
    const first = open(data);
    let acknowledged: number;
    let from: number;
    try {
      await first.mined(1, START_MS);
      if (whole === 0) {
        const begun = performance.now();
        const { Number: number } = await first.call<Id>("PledgeSector");
        sectors.push(number);
        await proven(first, number);
        whole = performance.now() - begun;
      }
      from = (await first.call<{ Height: number }>("ChainHead")).Height;
      acknowledged = (await first.call<Id>("PledgeSector")).Number;
      sectors.push(acknowledged);
      await sleep((whole * rnd(1000)) / 1000);
    } finally {
      await first.end("SIGKILL");
    }
    const second = open(data);
    try {
      await second.mined(1, START_MS);
      await proven(second, acknowledged);
      await checkChain(second, sectors, from);
    } finally {
      await second.end("SIGKILL");
    }
  });
});
