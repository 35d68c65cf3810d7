/** Deals and allocations that a miner's data belongs to, asked of a node. */
import type { JsonObject } from "../../state/actor-reader.ts";
import { type AllocationTerms, allocationTerms } from "../../state/allocations.ts";
import { Address } from "../../types/address.ts";
import type { Allocation, PublishedDeal } from "./chain.ts";
import type { RpcNode } from "./rpc-node.ts";
import { addressIn, dealOf } from "./state-json.ts";

/** How nodes say that the market has no such deal. Source: lotus chain/stmgr/actors.go (GetStorageDeal). */
const NO_DEAL = /\bdeal\b.*\bnot found/i;

export class RpcDeals {
  private readonly node: RpcNode;

  constructor(node: RpcNode) {
    this.node = node;
  }

  async dealAllocation(deal: bigint): Promise<Allocation | null> {
    const id = BigInt(
      (await this.node.ask("StateGetAllocationIdForPendingDeal", Number(deal), null)) as number | string,
    );
    if (id === 0n) return null;
    const found = (await this.node.ask("StateMarketStorageDeal", Number(deal), null)) as JsonObject;
    const client = addressIn((found["Proposal"] as JsonObject)["Client"]);
    return { client: client.actorId as bigint, id };
  }

  async deal(id: bigint): Promise<PublishedDeal | null> {
    try {
      const found = (await this.node.ask("StateMarketStorageDeal", Number(id), null)) as JsonObject;
      return dealOf(found["Proposal"] as JsonObject, found["State"] as JsonObject);
    } catch (error) {
      // The node's answer for a deal that the market does not have; any other refusal says nothing of it.
      if (this.node.options.isRefusal(error) && NO_DEAL.test((error as Error).message)) return null;
      throw error;
    }
  }

  async allocation({ client, id }: Allocation): Promise<AllocationTerms | null> {
    const found = await this.node.ask("StateGetAllocation", this.node.text(Address.id(client)), Number(id), null);
    return found === null ? null : allocationTerms(found as JsonObject);
  }

  async isClaimed(miner: Address, allocation: bigint): Promise<boolean> {
    return (await this.node.ask("StateGetClaim", this.node.text(miner), Number(allocation), null)) !== null;
  }
}
