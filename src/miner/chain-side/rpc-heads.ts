/**
 * The head of a node's chain as a process without a chain of its own follows it: it is asked for every so often; a node that does not
 * answer is asked again, and what listens hears of the head that it has when it is back.
 */
import { firstEpochIn } from "../../params/upgrades.ts";
import type { JsonObject } from "../../state/actor-reader.ts";
import type { CID } from "../../types/cid.ts";
import type { HeadView } from "./chain.ts";
import { cidOf, keyOf, type RpcNode, type TipsetJson } from "./rpc-node.ts";
import { VersionAhead } from "./version-ahead.ts";

export class RpcHeads {
  private readonly node: RpcNode;
  private readonly versions: VersionAhead;
  private readonly listeners = new Set<(hasReverted: boolean) => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the timer runs, or the head is being asked for. */
  private isPolling = false;
  private last: HeadView | null = null;
  private isLost = false;
  private isInstant: Promise<boolean> | undefined;

  constructor(node: RpcNode) {
    this.node = node;
    this.versions = new VersionAhead(node.options);
  }

  async head(): Promise<HeadView> {
    return this.viewOf((await this.node.ask("ChainHead")) as TipsetJson);
  }

  onHeadChange(listener: (hasReverted: boolean) => void): () => void {
    this.listeners.add(listener);
    if (!this.isPolling) this.schedule();
    return () => {
      this.listeners.delete(listener);
      // A question under way sees for itself whether another is wanted.
      if (this.listeners.size > 0 || this.timer === undefined) return;
      clearTimeout(this.timer);
      this.timer = undefined;
      this.isPolling = false;
    };
  }

  /** A local network without block time passes the epochs when this process may ask it to. */
  need(epoch: number): void {
    this.isInstant ??= this.node.options.request("Devnet.info").then(
      (info) => (info as { readonly blockTime?: unknown }).blockTime === 0,
      () => false,
    );
    void this.isInstant
      .then((instant) => (instant ? this.node.options.request("Devnet.mineTo", epoch) : null))
      .catch(() => undefined);
  }

  async firstEpochOf(networkVersion: number): Promise<number | null> {
    const { ForkUpgradeParams } = (await this.node.ask("StateGetNetworkParams")) as JsonObject;
    return firstEpochIn((ForkUpgradeParams ?? {}) as Readonly<Record<string, number>>, networkVersion);
  }

  private schedule(): void {
    this.isPolling = true;
    this.timer = setTimeout(async () => {
      this.timer = undefined;
      await this.poll().catch((error: unknown) => {
        if (!this.isLost) this.node.options.onLost?.(error);
        this.isLost = true;
      });
      this.isPolling = false;
      if (this.listeners.size > 0) this.schedule();
    }, this.node.options.pollMs);
    // A timer alone keeps no process alive.
    (this.timer as { unref?: () => void }).unref?.();
  }

  private async poll(): Promise<void> {
    const head = await this.head();
    this.isLost = false;
    const { last } = this;
    this.last = head;
    if (last !== null && textOf(last.key) === textOf(head.key)) return;
    const hasReverted = last !== null && !(await this.isBelow(last, head));
    for (const listener of [...this.listeners]) listener(hasReverted);
  }

  /** Whether a tipset is on the chain that ends with another. */
  private async isBelow(lower: HeadView, upper: HeadView): Promise<boolean> {
    if (lower.height >= upper.height) return false;
    const at = (await this.node.ask("ChainGetTipSetByHeight", lower.height, keyOf(upper))) as TipsetJson;
    return textOf(at.Cids.map(cidOf)) === textOf(lower.key);
  }

  private async viewOf({ Cids, Height }: TipsetJson): Promise<HeadView> {
    const key = Cids.map(cidOf);
    const networkVersion = await this.versions.at({ key: Cids, height: Height }, Height + 1);
    return { key, height: Height, networkVersion };
  }
}

const textOf = (key: readonly CID[]): string => key.join(",");
