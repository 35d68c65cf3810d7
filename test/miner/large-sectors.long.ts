/** A network of 8 MiB sectors: sealed once and found again, elected and proven at their deadline, and a new one from nothing to power. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { checkState } from "../../src/core/state-check.ts";
import type { GenesisSeal } from "../../src/miner/genesis-seal.ts";
import { Devnet, type DevnetOptions } from "../../src/node/devnet.ts";
import { ProvingPool } from "../../src/proving/pool.ts";
import { until } from "../support/until.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-large-"));
afterAll(() => rm(root, { recursive: true, force: true }));

const BYTES = 8n << 20n;
/** With three accounts the miner's sectors are in the deadline that opens at epoch 133 and closes at 193. */
const PROVEN = 200;
const sealed: string[] = [];
const folder = path.join(root, "sealed");
const onProgress = ({ miner, number }: GenesisSeal): void => {
  const name = `${miner}/${number}`;
  if (sealed.at(-1) !== name) sealed.push(name);
};
const OPTIONS: Partial<DevnetOptions> = {
  ...{ accounts: 3, miners: 1, sectors: 2, sectorSize: "8MiB", seed: "large", genesisTime: 1_700_000_000 },
  presealing: { folder, onProgress },
};

test("sealed once; elections and a deadline; a pledged sector has power; what is damaged is sealed anew", async () => {
  const data = path.join(root, "net");
  const jobs = vi.spyOn(ProvingPool.prototype, "run");
  let net = await Devnet.open({ ...OPTIONS, data });
  try {
    const genesis = `${net.head.key[0]}`;
    expect(sealed).toHaveLength(2);
    expect(net.network.sealProofs).toEqual([1]);
    const { Number: number } = await net.request("PledgeSector");
    await until("it is proven", async () => (await net.request("SectorsStatus", number)).State === "Proving", 300_000);
    const files = await readdir(path.join(data, "sectors", `s-t0${net.miner.actorId}-${number}`));
    expect(files.sort()).toEqual(["p_aux", "sc-02-data-tree-r-last.dat", "sealed"]);
    await net.clock.mine(PROVEN - net.head.height);
    // Of every block one opening, and of the deadline one of each sector, made by workers.
    const proven = jobs.mock.calls.filter(([{ kind }]) => kind === "prove-post").length;
    expect(proven).toBeGreaterThan(PROVEN);
    const miner = net.miner.toString("t");
    const { MinerPower } = await net.request("StateMinerPower", miner, null);
    expect(BigInt(MinerPower.RawBytePower)).toBe(3n * BYTES);
    expect(await net.request("StateMinerFaults", miner, null)).toEqual([0]);
    const { states, chain } = net.node;
    const { stateRoot } = await states.result(net.head);
    const report = await checkState(stateRoot, net.head.height, chain.blocks, { profile: net.network.profile });
    expect(report.complaints).toEqual([]);
    await net.close();

    // The size is the network's own; the sectors are found.
    const { sectorSize: _, ...rest } = OPTIONS;
    net = await Devnet.open({ ...rest, data });
    expect([sealed.length, net.network.profile]).toEqual([2, "devnet-8MiB"]);
    await net.clock.mine(1);
    await net.close();

    const [some] = await readdir(folder);
    await writeFile(path.join(folder, some as string, "sealed"), new Uint8Array(Number(BYTES)));
    net = await Devnet.open({ ...OPTIONS, data: null });
    expect(sealed).toHaveLength(3);
    expect(`${net.head.key[0]}`).toBe(genesis);
  } finally {
    await net.close();
  }
}, 1_800_000);
