/** The life of sectors: from nothing to proven, through every failure, and through a stop between any two steps. */
import { afterEach, describe, expect, test } from "vitest";
import { nameText } from "../../../../src/miner/folders/folder.ts";
import { SectorFolders } from "../../../../src/miner/folders/folders.ts";
import { MemoryFolder } from "../../../../src/miner/folders/memory-folder.ts";
import { SealingError } from "../../../../src/miner/sealing/errors.ts";
import type { SectorRecord } from "../../../../src/miner/sealing/record.ts";
import { SectorRecords } from "../../../../src/miner/sealing/records.ts";
import { kindOf, nextState, type SectorState } from "../../../../src/miner/sealing/states.ts";
import { P_AUX_FILE, SEALED_FILE, UNSEALED_FILE } from "../../../../src/sector/store.ts";
import { CHALLENGE_DELAY, MINER, openSealing, type Sealing } from "../../../support/sealing.ts";
import { until } from "../../../support/until.ts";

let open: Sealing[] = [];
async function sealing(...given: Parameters<typeof openSealing>): Promise<Sealing> {
  const one = await openSealing(...given);
  open.push(one);
  return one;
}
afterEach(async () => {
  for (const { machine } of open) await machine.stop();
  open = [];
});

async function comes({ machine }: Sealing, number: number, state: SectorState): Promise<SectorRecord> {
  await until(`sector ${number} to be ${state}, is ${machine.records.get(number).state}`, () => {
    const now = machine.records.get(number).state;
    if (now !== state && kindOf(now) === "end")
      throw new Error(`it is ${now}: ${machine.records.get(number).error?.text}`);
    return now === state;
  });
  return machine.records.get(number);
}

describe("a sector without data", () => {
  test("goes from nothing to proven, and its log says how", async () => {
    const one = await sealing();
    one.machine.start();
    const { number } = await one.machine.pledge();
    const record = await comes(one, number, "Proving");
    expect(one.chain.made).toEqual([`precommit/${number}/0.0`, `commit/${number}/0.0`]);
    const log = await one.records.log(number);
    expect(log.map(({ to }) => to)).toEqual([
      "Packing",
      "GetTicket",
      "PreCommit1",
      "PreCommit2",
      "PreCommitting",
      "PreCommitWait",
      "WaitSeed",
      "Committing",
      "SubmitCommit",
      "CommitWait",
      "FinalizeSector",
      "Proving",
    ]);
    for (const { from, event, to } of log.slice(1)) expect(nextState(from as SectorState, event)).toBe(to);
    expect(record.ticket?.epoch).toBe(100);
    expect(record.seed?.epoch).toBe((record.preCommitEpoch as number) + CHALLENGE_DELAY);
    const { store } = await one.folders.files({ miner: MINER, number }, record.folder);
    expect(await store.size(SEALED_FILE)).toBe(2048);
    expect(await store.size(UNSEALED_FILE)).toBeNull();
  });

  test("numbers that the chain knows, or that were ever given, are not given again", async () => {
    const one = await sealing();
    for (const taken of [0, 1, 3]) one.chain.allocated.add(taken);
    const made = await Promise.all([one.machine.pledge(), one.machine.pledge(), one.machine.pledge()]);
    expect(made.map(({ number }) => number)).toEqual([2, 4, 5]);
    const again = await SectorRecords.open(one.store, MINER, Date.now);
    expect(again.all().map(({ number }) => number)).toEqual([2, 4, 5]);
  });

  test("a machine that ends after any step goes on where it was: one message for each intention, the same replica", async () => {
    const first = await sealing();
    const { number } = await first.machine.pledge(); // not started: it makes the record and no more
    let [last, stops] = [first, 0];
    for (let steps = 1; last.records.get(number).state !== "Proving"; steps++) {
      // Every machine is allowed one step more, then it ends; what it was about to do is lost.
      const one: Sealing = await sealing({
        ...first,
        options: { onState: () => void one.machine.stop() },
      });
      one.machine.start();
      await until("a step", () => one.records.get(number).steps >= steps);
      await one.machine.stop();
      last = one;
      stops++;
    }
    expect(stops).toBe(11);
    expect(first.chain.made).toEqual([`precommit/${number}/0.0`, `commit/${number}/0.0`]);
    expect(first.chain.sectors.has(number)).toBe(true);
  });
});

describe("what fails", () => {
  test("a message that fails is sent again under another intention, some times; then a person is asked", async () => {
    const one = await sealing();
    one.chain.failing.push({ key: "precommit", exitCode: 7 }, { key: "commit", exitCode: 19 });
    one.machine.start();
    const { number } = await one.machine.pledge();
    await comes(one, number, "Proving");
    expect(one.chain.made).toEqual([
      `precommit/${number}/0.0`,
      `precommit/${number}/0.1`,
      `commit/${number}/0.0`,
      `commit/${number}/0.1`,
    ]);
    for (let i = 0; i < 10; i++) one.chain.failing.push({ key: "precommit", exitCode: 7 });
    const other = await one.machine.pledge();
    const given = await comes(one, other.number, "FailedUnrecoverable");
    expect(given.error).toMatchObject({ code: "ATTEMPTS", text: expect.stringContaining("exit code 7") });
    one.chain.failing.length = 0;
    await one.machine.tell(other.number, "restarted");
    await comes(one, other.number, "Proving");
  });

  test("a proof that the chain finds wrong is made again", async () => {
    const one = await sealing();
    one.chain.badProofs = 1;
    one.machine.start();
    const { number } = await one.machine.pledge();
    await comes(one, number, "Proving");
    const states = (await one.records.log(number)).map(({ to }) => to);
    expect(states.filter((state) => state === "Committing")).toHaveLength(2);
    expect(states).toContain("CommitFailed");
  });

  test("a seed that a reorganisation changed is drawn again before the proof is sent", async () => {
    const one = await sealing({
      options: {
        onState: ({ state }) => {
          if (state === "SubmitCommit" && one.chain.fork === 0) one.chain.fork = 1;
        },
      },
    });
    one.machine.start();
    const { number } = await one.machine.pledge();
    const { seed } = await comes(one, number, "Proving");
    expect((await one.records.log(number)).filter(({ event }) => event === "seedChanged")).toHaveLength(1);
    expect(seed?.value).toEqual(await one.chain.seed(seed?.epoch as number));
    expect(one.chain.made.filter((key) => key.startsWith("commit"))).toEqual([`commit/${number}/0.0`]);
  });

  test("a ticket that has become too old before the pre-commit: the replica is made anew", async () => {
    const one = await sealing({
      options: {
        onState: ({ state, failures }) => {
          if (state === "PreCommit2" && failures.reseal === undefined) one.chain.epoch += 4000;
        },
      },
    });
    one.machine.start();
    const { number } = await one.machine.pledge();
    const record = await comes(one, number, "Proving");
    expect(record.ticket?.epoch).toBeGreaterThan(3000);
    expect(one.chain.made).toEqual([`precommit/${number}/1.0`, `commit/${number}/1.0`]);
  });

  test("a pre-commit that expires before its proof: the deposit is lost, that is said, and nothing is tried for ever", async () => {
    const one = await sealing({
      options: {
        onState: ({ state, number }) => {
          if (state !== "SubmitCommit") return;
          one.chain.epoch += 4000;
          one.chain.preCommits.delete(number);
        },
      },
    });
    one.machine.start();
    const { number } = await one.machine.pledge();
    const record = await comes(one, number, "FailedUnrecoverable");
    expect(record.error).toMatchObject({ code: "DEPOSIT_LOST" });
    await one.machine.tell(number, "removed");
    await comes(one, number, "Removed");
    expect(await one.folders.find({ miner: MINER, number }, "")).toBeNull();
  });

  test("files of another sector under its number are neither written to nor removed", async () => {
    const folders = new SectorFolders([new MemoryFolder("a"), new MemoryFolder("b")]);
    const [a, b] = folders.all as [MemoryFolder, MemoryFolder];
    const others = Uint8Array.of(1, 2, 3);
    await b.files({ miner: MINER, number: 0 }).store.write(SEALED_FILE, 0, others);
    const one = await sealing({ folders });
    one.machine.start();
    const { number } = await one.machine.pledge();
    expect(number).toBe(1);
    await comes(one, number, "Proving");
    const name = { miner: MINER, number };
    const [own, other] = (await a.has(name)) ? [a, b] : [b, a];
    await other.files(name).store.write(P_AUX_FILE, 0, new Uint8Array(64));
    await one.machine.tell(number, "removed");
    await until("told", () => one.records.get(number).error !== null);
    expect(one.records.get(number)).toMatchObject({ state: "Removing", error: { text: /not known to be this/ } });
    expect([await own.has(name), await other.has(name)]).toEqual([true, true]);
    await other.remove(name);
    one.machine.wake(number);
    await comes(one, number, "Removed");
    expect(await own.has(name)).toBe(false);
    expect(await b.files({ miner: MINER, number: 0 }).store.read(SEALED_FILE, 0, 3)).toEqual(others);
  });

  test("files that are gone before the proof are told, and lead to a person", async () => {
    const one = await sealing({
      options: {
        onState: ({ state, number }) => {
          if (state === "WaitSeed") void one.folders.all[0]?.files({ miner: MINER, number }).store.remove(SEALED_FILE);
        },
      },
    });
    one.machine.start();
    const { number } = await one.machine.pledge();
    const record = await comes(one, number, "FailedUnrecoverable");
    expect(record.error?.text).toContain(SEALED_FILE);
  });

  test("a node that does not answer is waited for in the same state", async () => {
    const one = await sealing({
      options: { onState: ({ state }) => void (one.chain.isAway = state === "WaitSeed") },
    });
    one.machine.start();
    const { number } = await one.machine.pledge();
    await until("it waits", () => one.records.get(number).error?.code === "WAITING");
    expect(one.records.get(number)).toMatchObject({ state: "WaitSeed", error: { text: "the node does not answer" } });
    one.chain.isAway = false;
    expect((await comes(one, number, "Proving")).error).toBeNull();
  });

  test("a pre-commit whose sending was cut off is known by what the chain says of it, its expiration too", async () => {
    const one = await sealing();
    const send = one.chain.sendPreCommit.bind(one.chain);
    one.chain.sendPreCommit = async (key, order) => {
      await send(key, order);
      throw new Error("the node went away");
    };
    one.machine.start();
    const { number } = await one.machine.pledge();
    await until("it waits", () => one.records.get(number).error?.code === "WAITING");
    one.machine.wake(number);
    const { expiration } = await comes(one, number, "Proving");
    expect(expiration).toBe(one.chain.sectors.get(number)?.expiration);
    expect(one.chain.made.filter((key) => key.startsWith("precommit"))).toHaveLength(1);
  });

  test("events that a state does not know are refused", async () => {
    const one = await sealing();
    const { number } = await one.machine.pledge();
    await expect(one.machine.tell(number, "terminated")).rejects.toMatchObject({ data: { code: "BAD_EVENT" } });
    await expect(one.machine.tell(99, "removed")).rejects.toThrow(SealingError);
  });
});

describe("a proven sector", () => {
  test("is seen to be faulty, recovering, healthy and at last expired; then its files go", async () => {
    const one = await sealing();
    one.machine.start();
    const { number } = await one.machine.pledge();
    await comes(one, number, "Proving");
    for (const [condition, state] of [
      ["faulty", "Faulty"],
      ["recovering", "Recovering"],
      ["healthy", "Proving"],
    ] as const) {
      one.chain.seen.set(number, condition);
      one.chain.pass(5);
      await comes(one, number, state);
    }
    const end = one.chain.sectors.get(number)?.expiration ?? 0;
    one.chain.pass(end - one.chain.epoch);
    one.chain.seen.set(number, "terminated");
    one.chain.pass(5);
    const { folder } = await comes(one, number, "Expiring");
    expect(await one.folders.find({ miner: MINER, number }, folder)).not.toBeNull();
    // Nobody needs the epochs that its files stay: the clock is not made to pass them.
    expect(one.chain.epoch).toBe(end + 5);
    one.chain.pass(900);
    await comes(one, number, "Removed");
    expect(nameText({ miner: MINER, number })).toBe(`s-t01000-${number}`);
    expect(await one.folders.find({ miner: MINER, number }, folder)).toBeNull();
  });

  test("that ends before its time, by whoever's message, is terminated, not expired; nobody passes epochs for its files", async () => {
    const one = await sealing();
    one.machine.start();
    const { number } = await one.machine.pledge();
    await comes(one, number, "Proving");
    one.chain.seen.set(number, "terminated");
    one.chain.pass(5);
    const { finalEpoch } = await comes(one, number, "TerminateFinality");
    expect(finalEpoch).toBe(one.chain.epoch + 900);
    one.chain.pass(900);
    await comes(one, number, "Removed");
    expect(one.chain.made.filter((key) => key.startsWith("terminate"))).toEqual([]);
  });

  test("is terminated by hand", async () => {
    const one = await sealing();
    one.machine.start();
    const { number } = await one.machine.pledge();
    await comes(one, number, "Proving");
    await one.machine.tell(number, "terminated");
    await comes(one, number, "TerminateFinality");
    one.chain.pass(900);
    await comes(one, number, "Removed");
    expect(one.chain.made.at(-1)).toBe(`terminate/${number}/0.0`);
  });
});

test("a sector's log keeps its last 500 entries", async () => {
  const { machine, records, store } = await sealing();
  const { number } = await machine.pledge();
  for (let i = 0; i < 510; i++) await records.note(number, "note", `${i}`, () => ({}));
  const log = await records.log(number);
  expect(log).toHaveLength(500);
  expect(log.at(-1)?.text).toBe("509");
  expect(await store.metadataWith(`sealing/${MINER}/log/`)).toHaveLength(500);
});
