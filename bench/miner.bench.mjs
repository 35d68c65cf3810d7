/**
 * One miner with 1,000 to 100,000 sectors: what the end of a deadline costs, and what proving a sector costs as the
 * miner grows. The work per message follows the reference, block by block (its gas is the same); the blocks touched are
 * shown beside the time, so that growth in time can be told from growth that the protocol itself demands.
 */
import process from "node:process";
import * as dagCbor from "@ipld/dag-cbor";
import { median } from "./harness.mjs";
import { call, DEADLINES, makeMinerState, must, openMachine, POWER, range } from "./support-miner.mjs";

export const title = "One storage miner as it grows";

const SIZES = [1_000, 10_000, 100_000];
const ROUNDS = 9;
const WARM = 5;
const PENDING = 200;

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Median CPU time, blocks read and blocks written of one message, each time on the same state. */
async function measure(made, message) {
  const { vm, counter, reopen } = await openMachine(made);
  const times = [];
  let reads = 0;
  let writes = 0;
  for (let round = 0; round < ROUNDS + WARM; round++) {
    reopen();
    counter.reads = 0;
    const start = cpu();
    must(vm.applyImplicit(message));
    vm.flush();
    if (round >= WARM) times.push(cpu() - start);
    reads = counter.reads;
    writes = [...vm.madeBlocks()].length;
  }
  vm.close();
  return { ms: median(times), reads, writes };
}

function lines(name, { ms, reads, writes }) {
  return [
    { name, value: ms, unit: "ms" },
    { name: `${name}: blocks read`, value: reads, unit: "" },
    { name: `${name}: blocks made`, value: writes, unit: "" },
  ];
}

export async function facts() {
  const out = [];
  const event = (made) => call(POWER, made.miner, 12n, dagCbor.encode([1]));
  for (const size of SIZES) {
    const label = `${size.toLocaleString("en-US")} sectors`;
    const good = await makeMinerState(size, { pending: PENDING });
    out.push(...lines(`deadline end, proven, ${label}`, await measure(good, event(good))));
    const missed = await makeMinerState(size, { proven: false });
    out.push(...lines(`deadline end, missed, ${label}`, await measure(missed, event(missed))));
    const rest = [[8, Uint8Array.of(1)]];
    const post = dagCbor.encode([0, [[0, new Uint8Array(0)]], rest, missed.epoch - 1, new Uint8Array(32)]);
    const of = Math.floor(size / DEADLINES);
    const submit = call(missed.worker, missed.miner, 5n, post);
    out.push(...lines(`window PoSt of ${of}, ${label}`, await measure(missed, submit)));
    const half = range(Math.floor((size * 10) / DEADLINES), Math.floor(of / 2));
    const declare = call(good.worker, good.miner, 10n, dagCbor.encode([[[10, 0, half]]]));
    out.push(...lines(`declare ${Math.floor(of / 2)} faults, ${label}`, await measure(good, declare)));
    const end = call(good.worker, good.miner, 9n, dagCbor.encode([[[10, 0, half]]]));
    out.push(...lines(`terminate ${Math.floor(of / 2)}, ${label}`, await measure(good, end)));
    for (const count of [1, PENDING]) {
      const numbers = Array.from({ length: count }, (_, i) => size + i);
      const confirm = call(POWER, good.miner, 17n, dagCbor.encode([numbers]));
      out.push(...lines(`confirm ${count} of new sectors, ${label}`, await measure(good, confirm)));
    }
    const prove = call(good.miner, good.miner, 7n, dagCbor.encode([size, new Uint8Array(1920)]));
    out.push(...lines(`ProveCommitSector, ${label}`, await measure(good, prove)));
  }
  return out;
}
