/**
 * How the page keeps up: the tasks of its main thread while ten tipsets a second arrive, and what it holds after ten thousand epochs. Times depend
 * on the machine, so they are printed; what is demanded is that everything was seen and that nothing grows without bound.
 */
import { loadavg } from "node:os";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { openWorld } from "./world.ts";

const SECONDS = 8;
const EPOCHS = Number(process.env["FILIGREE_PAGE_EPOCHS"] ?? 10_000);

type Tasks = { readonly longest: number; readonly over50: number };

/** Watches tasks of 50 ms and more from now on; the function that it gives ends that. */
async function watchTasks(page: Page): Promise<() => Promise<Tasks>> {
  await page.evaluate(() => {
    const tasks: number[] = [];
    const observer = new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    );
    observer.observe({ type: "longtask" });
    Object.assign(globalThis, { tasks });
  });
  return () =>
    page.evaluate(() => {
      const { tasks } = globalThis as never as { tasks: number[] };
      return { longest: Math.max(0, ...tasks), over50: tasks.length };
    });
}

const epochOf = async (page: Page): Promise<number> =>
  Number((await page.locator("strong.epoch").innerText()).replaceAll(",", ""));

test("ten tipsets a second", async () => {
  const world = await openWorld("--miners", "0", "--block-time", "0.1");
  try {
    const page = await world.open();
    for (const route of ["chain", "messages", "gas", "pool", "supply"]) {
      await page.goto(`${world.url}#/${route}`);
      await page.waitForTimeout(1500);
      const before = await epochOf(page);
      const tasks = await watchTasks(page);
      await page.waitForTimeout(SECONDS * 1000);
      const { longest, over50 } = await tasks();
      const seen = (await epochOf(page)) - before;
      console.log(
        `${route}: ${(seen / SECONDS).toFixed(1)} tipsets a second, tasks over 50 ms: ${over50}, the longest ${longest.toFixed(0)} ms (load ${loadavg()[0]?.toFixed(0)})`,
      );
      expect(seen).toBeGreaterThan(0);
    }
    expect(world.complaints).toEqual([]);
  } finally {
    await world.close();
  }
});

test(`after ${EPOCHS} epochs`, async () => {
  const world = await openWorld("--miners", "0", "--block-time", "3600");
  try {
    const page = await world.open();
    const session = await page.context().newCDPSession(page);
    const held = async (): Promise<{ heap: number; nodes: number }> => {
      await session.send("HeapProfiler.collectGarbage");
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      return { heap: usedSize, nodes: await page.evaluate(() => document.querySelectorAll("*").length) };
    };
    await world.rpc("Devnet.mine", Math.floor(EPOCHS / 10));
    const first = await held();
    const tasks = await watchTasks(page);
    await world.rpc("Devnet.mine", EPOCHS - Math.floor(EPOCHS / 10));
    const { longest, over50 } = await tasks();
    await page.waitForFunction(
      (epoch) => document.querySelector("strong.epoch")?.textContent?.replaceAll(",", "") === epoch,
      String((await world.rpc<{ Height: number }>("Filecoin.ChainHead")).Height),
    );
    const second = await held();
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
    console.log(
      `heap after ${EPOCHS / 10} epochs ${mib(first.heap)} MiB, after ${EPOCHS} ${mib(second.heap)} MiB; elements ${first.nodes}, ${second.nodes}; tasks over 50 ms: ${over50}, the longest ${longest.toFixed(0)} ms (load ${loadavg()[0]?.toFixed(0)})`,
    );
    expect(second.nodes).toBeLessThan(first.nodes + 500);
    expect(second.heap).toBeLessThan(first.heap + 16 * 2 ** 20);
    // Far below: fetched when it is looked at.
    await page.getByRole("slider").fill("100");
    await page.locator('.chain a[href="#/tipset/100"]').first().waitFor();
    expect(world.complaints).toEqual([]);
  } finally {
    await world.close();
  }
});
