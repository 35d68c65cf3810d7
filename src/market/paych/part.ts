/** Payment channels as one part of a node: manager, vouchers and watcher with one life. */
import type { Rewind } from "../../base/rewind.ts";
import type { Chain } from "../../chain/chain.ts";
import { PaychManager, type PaychOptions } from "./manager.ts";
import { Vouchers } from "./vouchers.ts";
import { PaychWatcher, type WatchNote } from "./watcher.ts";

export class PaymentChannels {
  readonly name = "payments";
  readonly channels: PaychManager;
  readonly vouchers: Vouchers;
  private readonly watcher: PaychWatcher;
  private readonly heads: Pick<Chain, "onHeadChange">;
  private stopListening: (() => void) | null = null;

  constructor(options: PaychOptions, heads: Pick<Chain, "onHeadChange">, onNote?: (note: WatchNote) => void) {
    this.heads = heads;
    this.channels = new PaychManager(options);
    this.vouchers = new Vouchers(this.channels);
    this.watcher = new PaychWatcher(this.channels, this.vouchers, onNote);
  }

  async start(): Promise<void> {
    await this.channels.start();
    this.listen();
  }

  private listen(): void {
    this.stopListening = this.heads.onHeadChange(() => this.watcher.headMoved());
    this.watcher.headMoved();
  }

  async stop(): Promise<void> {
    this.stopListening?.();
    this.stopListening = null;
    await this.watcher.close();
    await this.channels.close();
  }

  /** Stops; the function that is given goes on with what the store holds then. */
  async pause(): Promise<Rewind> {
    if (this.stopListening === null) return () => undefined;
    this.stopListening();
    await this.watcher.idle();
    const resume = await this.channels.pause();
    return async () => {
      await resume();
      this.watcher.forget();
      this.listen();
    };
  }

  health(): { readonly status: "ok" | "stopped" } {
    return { status: this.stopListening === null ? "stopped" : "ok" };
  }
}
