/** Options of the queue that nobody knows are refused before a database is asked. */
import { expect, test } from "vitest";
import { QueueScheduler, runWorker } from "../../src/queue/index.ts";

test("an option that there is not is refused by its name", async () => {
  const url = "postgres://127.0.0.1:1/none";
  await expect(QueueScheduler.open({ url, leaseSecond: 5 } as never)).rejects.toThrow(
    /^leaseSecond: .* is leaseSeconds meant/,
  );
  await expect(runWorker({ url, threads: 5 } as never)).rejects.toThrow(
    /^threads: .* of runWorker; there are url, store/,
  );
});
