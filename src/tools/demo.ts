/**
 * `npm run demo [-- --json] [-- --short] [-- --loss <percent> [--seed <text>]]`: a file is stored with two providers of a fresh local network,
 * proven and paid for day by day, lost by one of them, and read back from the other by HTTP and for payment. Every step is told
 * as it happens; every sum is checked to the attoFIL. Ends with 1 if anything differs.
 *
 * Providers and client are processes of their own, and speak with each other as nodes do everywhere. Proofs of spacetime and of
 * replication are attested (docs/status.md), and the clocks of all are moved ahead together where nobody has anything to do:
 * epochs that pass so are null rounds. `--loss`: percent of messages, streams, requests and connections that are lost
 * (`demo/losses.ts`), which `--seed` draws. `--short`: no days pass, and no sector is lost.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { Story } from "./demo/story.ts";
import { Telling } from "./demo/telling.ts";
import { DemoWorld } from "./demo/world.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    loss: { type: "string", default: "0" },
    seed: { type: "string", default: "demo" },
  },
});
const loss = Number(values.loss);
if (!(loss >= 0 && loss <= 50))
  throw new RangeError(`--loss: a number of percent from 0 to 50 expected, got ${values.loss}`);

const telling = new Telling(values.json);
const folder = await mkdtemp(path.join(tmpdir(), "filigree-demo-"));
let world: DemoWorld | null = null;
try {
  world = await DemoWorld.open({
    ...{
      folder,
      providers: ["first", "second"],
      clients: ["client"],
      accounts: 4,
      seed: values.seed,
      loss: loss / 100,
    },
  });
  await new Story(world, telling, folder, values.short).tell();
} catch (error) {
  telling.wrong.push(error instanceof Error ? error.message : `${error}`);
} finally {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
}
const lost: Record<string, number> = {};
for (const { lost: counts } of world?.nodes ?? [])
  for (const [kind, count] of Object.entries(counts)) lost[`lost ${kind}`] = (lost[`lost ${kind}`] ?? 0) + count;
// Whoever loses a connection has done nothing wrong.
for (const { name, banned } of world?.nodes ?? [])
  telling.check(`peers that ${name} has banned`, banned.join("; "), "");
const { wrong } = telling;
telling.tell(wrong.length === 0 ? "All sums are right, and the file is the same." : "Something differs.", {
  ...lost,
  ...Object.fromEntries(wrong.map((what, i) => [`difference ${i + 1}`, what])),
});
process.exitCode = wrong.length === 0 ? 0 : 1;
