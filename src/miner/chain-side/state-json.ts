/** A miner's state as its readers and the RPC interface spell it, in the terms of a miner's software. */
import { sealProofOfWindow, WINDOW_POST } from "../../params/proving.ts";
import type { JsonObject } from "../../state/actor-reader.ts";
import { Address } from "../../types/address.ts";
import { parseCid } from "../../types/cid.ts";
import type { Json } from "../../types/schema-codec.ts";
import type { DeadlineClock, MinerFacts, OnChainPreCommit, OnChainSector, PublishedDeal } from "./chain.ts";

/** The deadline of an index in the period that starts at an epoch. */
export function deadlineClock(periodStart: number, index: number): DeadlineClock {
  const { challengeWindow, challengeLookback, faultDeclarationCutoff } = WINDOW_POST;
  const open = periodStart + index * challengeWindow;
  return {
    periodStart,
    index,
    open,
    close: open + challengeWindow,
    challenge: open - challengeLookback,
    faultCutoff: open - faultDeclarationCutoff,
  };
}

/** The deadline of an index as it opens next, or is open, where the current one of its miner is `now`. */
export function nextClock(now: Pick<DeadlineClock, "periodStart" | "index">, index: number): DeadlineClock {
  return deadlineClock(now.periodStart + (index < now.index ? WINDOW_POST.provingPeriod : 0), index);
}

export const addressIn = (json: Json | undefined): Address => Address.parse(json as string);

/** `MinerInfo` of the state. */
export function factsOf(info: JsonObject): MinerFacts {
  const pending = (info["PendingWorkerKey"] ?? null) as JsonObject | null;
  const owner = info["PendingOwnerAddress"] ?? null;
  return {
    owner: addressIn(info["Owner"]),
    worker: addressIn(info["Worker"]),
    controls: ((info["ControlAddresses"] ?? []) as readonly Json[]).map(addressIn),
    newWorker:
      pending === null
        ? null
        : { address: addressIn(pending["NewWorker"]), effectiveAt: pending["EffectiveAt"] as number },
    pendingOwner: owner === null ? null : addressIn(owner),
    sealProof:
      info["SealProofType"] === undefined
        ? sealProofOfWindow(Number(info["WindowPoStProofType"]))
        : (info["SealProofType"] as number),
    sectorBytes: Number(info["SectorSize"]),
    partitionSectors: Number(info["WindowPoStPartitionSectors"]),
    consensusFaultElapsed: Number(info["ConsensusFaultElapsed"] ?? -1),
  };
}

const linkIn = (json: Json | undefined) => parseCid((json as { readonly "/": string })["/"]);
const dealsIn = (json: Json | undefined) => ((json ?? []) as readonly (number | string)[]).map(BigInt);

/** `SectorOnChainInfo`. */
export function sectorOf(info: JsonObject): OnChainSector {
  return {
    number: Number(info["SectorNumber"]),
    sealProof: info["SealProof"] as number,
    sealedCid: linkIn(info["SealedCID"]),
    dealIds: dealsIn(info["DealIDs"] ?? info["DeprecatedDealIDs"]),
    activation: info["Activation"] as number,
    expiration: info["Expiration"] as number,
    initialPledge: BigInt(info["InitialPledge"] as string),
  };
}

/** `DealProposal`, and `DealState` of a deal that has one: in the state of an actor it may be missing, over JSON-RPC its epochs are -1. */
export function dealOf(proposal: JsonObject, state: JsonObject | null): PublishedDeal {
  return {
    provider: addressIn(proposal["Provider"]).actorId as bigint,
    pieceCid: linkIn(proposal["PieceCID"]),
    pieceSize: BigInt(proposal["PieceSize"] as number | string),
    isVerified: proposal["VerifiedDeal"] === true,
    startEpoch: Number(proposal["StartEpoch"]),
    endEpoch: Number(proposal["EndEpoch"]),
    isActive: Number(state?.["SectorStartEpoch"] ?? -1) >= 0,
  };
}

/** `SectorPreCommitOnChainInfo`. */
export function preCommitOf(onChain: JsonObject): OnChainPreCommit {
  const info = onChain["Info"] as JsonObject;
  return {
    number: Number(info["SectorNumber"]),
    sealedCid: linkIn(info["SealedCID"]),
    sealRandEpoch: info["SealRandEpoch"] as number,
    expiration: info["Expiration"] as number,
    dealIds: dealsIn(info["DealIDs"]),
    deposit: BigInt(onChain["PreCommitDeposit"] as string),
    preCommitEpoch: onChain["PreCommitEpoch"] as number,
  };
}
