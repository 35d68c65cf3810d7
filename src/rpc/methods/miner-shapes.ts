/** The network's spelling of what a miner says about itself. */
import { base58btc } from "multiformats/bases/base58";
import { fromBase64 } from "../../base/bytes.ts";
import type { JsonObject } from "../../state/actor-reader.ts";
import { address, amount, maybeAddress, NO_ADDRESS, shape } from "../codec/chain-types.ts";

/** Entries of an answer. */
export const MANY = 10_000_000;
/** Sector sizes that proofs are registered for. */
const SECTOR_SIZES = 5;
const integers = { type: "integer" };

export const minerInfoSchema = shape("MinerInfo", {
  Owner: address.schema,
  Worker: address.schema,
  NewWorker: maybeAddress.schema,
  ControlAddresses: { type: ["array", "null"], items: address.schema },
  WorkerChangeEpoch: integers,
  PeerId: { type: ["string", "null"] },
  Multiaddrs: { type: ["array", "null"], items: { type: ["string", "null"] } },
  WindowPoStProofType: integers,
  SectorSize: integers,
  WindowPoStPartitionSectors: integers,
  ConsensusFaultElapsed: integers,
  PendingOwnerAddress: { anyOf: [address.schema, { type: "null" }] },
  Beneficiary: maybeAddress.schema,
  BeneficiaryTerm: {
    anyOf: [
      shape("BeneficiaryTerm", { Quota: amount.schema, UsedQuota: amount.schema, Expiration: integers }),
      { type: "null" },
    ],
  },
  PendingBeneficiaryTerm: { type: ["object", "null"] },
});

/** The network's answer to StateMinerInfo from the state's own object. */
export function minerInfo(info: JsonObject): JsonObject {
  const pending = info["PendingWorkerKey"] as JsonObject | null;
  const peer = info["PeerId"] as string | null;
  const sealProof = info["SealProofType"] as number | undefined;
  return {
    Owner: info["Owner"] ?? null,
    Worker: info["Worker"] ?? null,
    NewWorker: pending?.["NewWorker"] ?? NO_ADDRESS,
    ControlAddresses: info["ControlAddresses"] ?? null,
    WorkerChangeEpoch: pending?.["EffectiveAt"] ?? -1,
    PeerId: peer === null ? null : base58btc.baseEncode(fromBase64(peer)),
    Multiaddrs: info["Multiaddrs"] ?? null,
    // Actors below v3 name the seal proof; registered window PoSt proofs follow its order of sector sizes from 5 on.
    WindowPoStProofType:
      sealProof === undefined ? (info["WindowPoStProofType"] ?? null) : (sealProof % SECTOR_SIZES) + SECTOR_SIZES,
    SectorSize: info["SectorSize"] ?? null,
    WindowPoStPartitionSectors: info["WindowPoStPartitionSectors"] ?? null,
    ConsensusFaultElapsed: info["ConsensusFaultElapsed"] ?? -1,
    PendingOwnerAddress: info["PendingOwnerAddress"] ?? null,
    // Beneficiaries came with actors v9: before, there is none.
    Beneficiary: info["Beneficiary"] ?? NO_ADDRESS,
    BeneficiaryTerm: info["BeneficiaryTerm"] ?? { Quota: "0", UsedQuota: "0", Expiration: 0 },
    PendingBeneficiaryTerm: info["PendingBeneficiaryTerm"] ?? null,
  };
}
