/** Jobs in the order of how much they matter. */
import { expect, test } from "vitest";
import type { Job, ResultOf } from "../../../src/proving/jobs.ts";
import { PriorityScheduler } from "../../../src/proving/priorities.ts";
import { runBounded, type Scheduler } from "../../../src/proving/scheduler.ts";

/** Runs jobs when the test says so; a job's source is its name. */
function stepped(size: number) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = <J extends Job>(job: J): Promise<ResultOf<J>> => {
    const name = nameOf(job);
    begun.push(name);
    return new Promise((resolve) => ends.set(name, () => resolve(null as never)));
  };
  const scheduler: Scheduler = {
    size,
    isLocal: true,
    run,
    runAll: (jobs, options) => runBounded(run, size, jobs, options),
  };
  return { scheduler, begun, end: (name: string) => ends.get(name)?.() };
}
const nameOf = (job: Job): string => (job as unknown as { source: { file: string } }).source.file;
const job = (name: string): Job => ({ kind: "commit-slice", source: { file: name, from: 0, length: 0 } });
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

test("what matters most begins first, equals in their order, and no more at a time than there is room for", async () => {
  const { scheduler, begun, end } = stepped(1);
  const shared = new PriorityScheduler(scheduler);
  const all = [
    shared.at("seal").run(job("seal 1")),
    shared.at("seal").run(job("seal 2")),
    shared.at("seal").run(job("seal 3")),
    shared.at("window").run(job("window")),
    shared.at("winning").run(job("winning")),
  ];
  await settle();
  expect(begun).toEqual(["seal 1"]);
  expect(shared.waiting()).toMatchObject({ seal: 2, window: 1, winning: 1 });
  for (const name of ["seal 1", "winning", "window", "seal 2", "seal 3"]) {
    expect(begun.at(-1)).toBe(name);
    end(name);
    await settle();
  }
  await Promise.all(all);
  expect(begun).toHaveLength(5);
});

test("a job that is given up while it waits leaves its place to others; one that fails does too", async () => {
  const { scheduler, begun, end } = stepped(1);
  const failing: Scheduler = {
    ...scheduler,
    run: async (one) => {
      const result = await scheduler.run(one);
      if (nameOf(one) === "first") throw new Error("failed");
      return result;
    },
  };
  const shared = new PriorityScheduler(failing);
  const first = shared.at("seal").run(job("first"));
  const giveUp = new AbortController();
  const second = shared.at("winning").run(job("second"), { signal: giveUp.signal });
  const third = shared.at("seal").run(job("third"));
  giveUp.abort(new Error("not wanted"));
  await expect(second).rejects.toThrow("not wanted");
  end("first");
  await expect(first).rejects.toThrow("failed");
  await settle();
  end("third");
  await third;
  expect(begun).toEqual(["first", "third"]);
});

test("many jobs of little weight let one of more weight pass between two of them", async () => {
  const { scheduler, begun, end } = stepped(1);
  const shared = new PriorityScheduler(scheduler);
  const many = shared.at("seal").runAll(["a", "b", "c"].map(job));
  await settle();
  const urgent = shared.at("window").run(job("urgent"));
  for (const name of ["a", "urgent", "b", "c"]) {
    await settle();
    end(name);
  }
  await Promise.all([many, urgent]);
  expect(begun).toEqual(["a", "urgent", "b", "c"]);
});

test("a place that is kept for proofs of spacetime is theirs alone, and others are everybody's", async () => {
  const { scheduler, begun, end } = stepped(2);
  const shared = new PriorityScheduler(scheduler, 1);
  const all = ["seal 1", "seal 2"].map((name) => shared.at("seal").run(job(name)));
  await settle();
  expect(begun).toEqual(["seal 1"]);
  all.push(shared.at("window").run(job("window 1")), shared.at("winning").run(job("winning")));
  await settle();
  expect(begun).toEqual(["seal 1", "window 1"]);
  end("window 1");
  await settle();
  expect(begun.at(-1)).toBe("winning");
  // The place that is free again is not for sealing.
  end("winning");
  await settle();
  expect(begun).toEqual(["seal 1", "window 1", "winning"]);
  end("seal 1");
  await settle();
  expect(begun.at(-1)).toBe("seal 2");
  end("seal 2");
  await Promise.all(all);
});
