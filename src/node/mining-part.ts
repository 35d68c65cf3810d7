/** Mining as a part of a node: the loop over its miners, their window PoSt, and reports of consensus faults it sees. */
import { Alert } from "../base/alert.ts";
import { describeError } from "../base/errors.ts";
import { Turns } from "../base/turns.ts";
import type { FullBlock } from "../consensus/validator.ts";
import { type MiningEvent, MiningLoop, type MiningLoopParts } from "../miner/mining-loop.ts";
import { type FactStore, SlashFilter } from "../miner/slash-filter.ts";
import type { WindowPoster } from "../miner/window-poster.ts";
import type { NetworkPrefix } from "../types/address.ts";
import { spellError } from "../types/address-text.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { Health, Startable } from "./startable.ts";

export type MiningPartOptions<Draw> = Omit<MiningLoopParts<Draw>, "slash" | "onEvent"> & {
  readonly poster: WindowPoster;
  /** Letter of addresses in what is told. */
  readonly prefix: NetworkPrefix;
  /** Where what was signed is kept. */
  readonly store: FactStore;
  /** Calls the listener at every move of the head; gives what ends it. */
  readonly onHeadChange: (listener: () => void) => () => void;
  readonly onEvent?: (event: MiningEvent) => void;
  /** Whether blocks are made, or sectors proven alone. Default: yes. */
  readonly makesBlocks?: boolean;
};

export class MiningPart<Draw = unknown> implements Startable {
  readonly name = "mining";
  /** Active while blocks are not made that should be. */
  readonly alert = new Alert("miner", "mining");
  private readonly options: MiningPartOptions<Draw>;
  private readonly stopping = new AbortController();
  private readonly posts = new Turns();
  private isPosting = false;
  /** Whether somebody else mines with one of the miners: that lasts until the next start. */
  private hasRival = false;
  private slash: SlashFilter | null = null;
  private loop: MiningLoop<Draw> | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopListening: () => void = () => undefined;

  constructor(options: MiningPartOptions<Draw>) {
    this.options = options;
  }

  async start(): Promise<void> {
    const { store, onHeadChange } = this.options;
    const slash = await SlashFilter.open(store);
    this.slash = slash;
    this.loop = new MiningLoop({ ...this.options, slash, onEvent: (event) => this.heard(event) });
    this.stopListening = onHeadChange(() => this.post());
    if (this.options.makesBlocks !== false) this.running = this.loop.run(this.stopping.signal);
  }

  /**
   * Signs a miner's block that somebody else puts together, as the slash filter does: throws `SlashError`. It is kept, and
   * handed on at its time if nobody else does.
   */
  async sign(header: BlockHeader, parent: Tipset, sign: () => FullBlock): Promise<FullBlock> {
    if (this.slash === null) throw new Error("mining has not started");
    const block = await this.slash.sign(header, parent, sign);
    this.loop?.calledFor(block.header);
    return block;
  }

  /** Takes a block of anybody whose signature is good: one of an own miner that was not signed here ends its mining here. */
  see(header: BlockHeader): void {
    this.loop?.see(header);
  }

  /** Begins no block any more, and tells nothing more. */
  end(): void {
    this.stopping.abort(new Error("the node is stopping"));
  }

  async stop(): Promise<void> {
    this.end();
    this.stopListening();
    await this.running;
    await this.posts.idle();
  }

  health(): Health {
    if (this.loop === null || this.stopping.signal.aborted) return { status: "stopped" };
    const { isActive, lastActive } = this.alert;
    return isActive ? { status: "failing", reason: lastActive?.message ?? "" } : { status: "ok" };
  }

  /** Window PoSt for the newest head; heads that come meanwhile are one. */
  private post(): void {
    if (this.isPosting) return;
    this.isPosting = true;
    void this.posts.run(async () => {
      this.isPosting = false;
      const { poster, miners, site } = this.options;
      await poster.headMoved(miners).catch((error: unknown) => {
        // That a node is away the loop tells.
        if (!site.isAway(error)) this.heard({ kind: "failed", error });
      });
    });
  }

  private heard(event: MiningEvent): void {
    if ("error" in event) spellError(this.options.prefix, event.error);
    if (event.kind === "paused" && event.by === "beacon")
      this.alert.raise(`the beacon is silent (epoch ${event.epoch})`);
    if (event.kind === "paused" && event.by === "node")
      this.alert.raise(`the node does not answer: ${describeError(event.error)}`);
    if (event.kind === "rival") {
      this.hasRival = true;
      this.alert.raise(event.error.message);
    }
    if (event.kind === "failed") this.alert.raise(describeError(event.error));
    if ((event.kind === "made" || event.kind === "resumed") && !this.hasRival)
      this.alert.resolve("blocks are made again");
    if (!this.stopping.signal.aborted) this.options.onEvent?.(event);
  }
}
