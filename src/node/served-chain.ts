/** A node's chain as its peers see it. */
import type { Chain } from "../chain/chain.ts";
import { ChainError } from "../chain/errors.ts";
import type { ChainSource } from "../network/chain-source.ts";
import { type BlockHeader, HeaderError, sameKey, type Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";

export class ServedChain implements ChainSource {
  readonly genesis: CID;
  private readonly chain: Chain;
  private readonly weigh: (tipset: Tipset) => Promise<bigint>;
  private heaviest: { readonly tipset: Tipset; readonly weight: bigint };
  private readonly stopListening: () => void;

  private constructor(
    chain: Chain,
    genesis: CID,
    weigh: (tipset: Tipset) => Promise<bigint>,
    heaviest: { readonly tipset: Tipset; readonly weight: bigint },
    onFault: (where: string, error: unknown) => void,
  ) {
    this.chain = chain;
    this.genesis = genesis;
    this.weigh = weigh;
    this.heaviest = heaviest;
    this.stopListening = chain.onHeadChange(() => {
      this.follow().catch((error: unknown) => onFault("weight", error));
    });
  }

  static async open(
    chain: Chain,
    weigh: (tipset: Tipset) => Promise<bigint>,
    onFault: (where: string, error: unknown) => void,
  ): Promise<ServedChain> {
    const [genesis] = (await chain.genesis()).key;
    const { head } = chain;
    return new ServedChain(chain, genesis as CID, weigh, { tipset: head, weight: await weigh(head) }, onFault);
  }

  /** The newest head whose weight is known. */
  head(): { readonly tipset: Tipset; readonly weight: bigint } {
    return this.heaviest;
  }

  async tipset(key: readonly CID[]): Promise<Tipset | null> {
    if (key.length === 0) return null;
    try {
      const found = await this.chain.tipset(key);
      return sameKey(found.key, key) ? found : null;
    } catch (error) {
      // Blocks that form no tipset, or are none.
      if (error instanceof HeaderError || (error instanceof ChainError && error.code === "UNKNOWN_TIPSET")) return null;
      throw error;
    }
  }

  async blockMessages(header: BlockHeader) {
    try {
      return await this.chain.messages(header);
    } catch (error) {
      if (error instanceof ChainError && error.code === "UNKNOWN_MESSAGE") return null;
      throw error;
    }
  }

  close(): void {
    this.stopListening();
  }

  private async follow(): Promise<void> {
    const tipset = this.chain.head;
    const weight = await this.weigh(tipset);
    if (tipset === this.chain.head) this.heaviest = { tipset, weight };
  }
}
