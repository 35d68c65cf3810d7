/** A network of published actors whose miner puts a deal into a sector that was sealed without data. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Bundle } from "../../src/exec/bundle.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { active, importFile, type Link, makeFile, startDeal, type View } from "./deals.ts";
import { TEST_OPTIONS } from "./devnet.ts";

/** With so many accounts the id of the miner has its sectors' first deadline open at this epoch. */
const ACCOUNTS = 23;
export const DEADLINE = 139;

export class UpdatesNet {
  readonly net: Devnet;
  /** Of the sector that is pledged. */
  number = -1;
  private readonly folder: string;

  private constructor(net: Devnet, folder: string) {
    this.net = net;
    this.folder = folder;
  }

  static async open(bundle: Bundle | undefined, networkVersion: number): Promise<UpdatesNet> {
    const given = bundle === undefined ? {} : { bundle };
    const options = { ...TEST_OPTIONS, ...given, networkVersion, accounts: ACCOUNTS, blockTime: 0, miners: 1 };
    return new UpdatesNet(await Devnet.open(options), await mkdtemp(path.join(tmpdir(), "filigree-updates-")));
  }

  async close(): Promise<void> {
    await this.net.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get miner(): string {
    return this.net.miner.toString("t");
  }

  async pledge(): Promise<void> {
    this.number = (await this.net.request<View>("PledgeSector", this.miner))["Number"];
    await this.until("Proving");
  }

  /** Until the sector has had its first window PoSt, in whatever deadline it is. */
  async prove(): Promise<void> {
    const { Deadline: deadline } = await this.net.request<View>("StateSectorPartition", this.miner, this.number, []);
    const { PeriodStart: start } = await this.net.request<View>("StateMinerProvingDeadline", this.miner, []);
    const proven = start + 60 * deadline + 8;
    const wanted = proven > this.net.head.height ? proven : proven + 2880;
    await this.net.request("Devnet.fastForward", wanted);
  }

  until(state: string): Promise<unknown> {
    return this.net.request("Devnet.mineToSector", this.miner, this.number, state, 200);
  }

  /** A deal that is active; its proposal, and what the provider says of it. */
  async deal(): Promise<{ readonly deal: Link; readonly sold: View }> {
    const file = path.join(this.folder, "data");
    await makeFile(file, 1200);
    const root = await importFile(this.net, file);
    const deal = await startDeal(this.net, root, { StartEpoch: this.net.head.height + 3000, FastRetrieval: false });
    return { deal, sold: (await active(this.net, deal)).provider };
  }

  status(): Promise<View> {
    return this.net.request<View>("SectorsStatus", this.number, true);
  }

  /** What is wrong with the sector's files: nothing. */
  check(): Promise<View> {
    const id = { Miner: Number(this.net.miner.actorId), Number: this.number };
    return this.net.request<View>("CheckProvable", 5, [{ ID: id }], true);
  }

  counts(): Promise<View> {
    return this.net.request<View>("StateMinerSectorCount", this.miner, []);
  }

  /** Makes tipsets, and validates the winning PoSt of the last. */
  async wins(tipsets: number): Promise<string | undefined> {
    await this.net.clock.mine(tipsets);
    const [header] = this.net.head.blocks;
    if (header === undefined) throw new Error("no block");
    const messages = await this.net.node.chain.messages(header);
    const report = await this.net.local?.validator(this.net.node.states).validate({ header, messages });
    return report?.winningPost;
  }
}
