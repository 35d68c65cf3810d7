/**
 * What a miner sends to the published actors (v8 to v18) otherwise than to those before them: sectors are pre-committed and proven in
 * batches, by methods that came and went, and a miner is made with a deposit.
 *
 * Source: builtin-actors v8.0.0 to v18.0.0 actors/miner/src/lib.rs, actors/power/src/lib.rs, runtime/src/runtime/policy.rs.
 */
import { encode as encodeCbor } from "@ipld/dag-cbor";
import { toBase64 } from "../../base/bytes.ts";
import { updateProofType, windowPostType } from "../../params/proving.ts";
import { findVersion, isFvm, NETWORK_VERSIONS } from "../../schema/versions/rows.ts";
import type { NetworkPrefix } from "../../types/address.ts";
import { FIL } from "../../types/amount.ts";
import { runsOf } from "../../types/number-runs.ts";
import type { Json } from "../../types/schema-codec.ts";
import { MARKET } from "../../types/singletons.ts";
import { type ActivatedPiece, type EncodeCall, MAX_FEE, type MinerMessages, OWNER, PROVING, SEALING } from "./calls.ts";
import { MinerError } from "./errors.ts";

type Published =
  | ("createMiner" | "preCommit" | "namesPieces" | "proveCommit" | "replicaUpdate")
  | ("extend" | "confirmWorker" | "maxPostPartitions");

/** First actors versions of what came. */
const SINCE = { batchWithoutDeals: 9, renamedWorker: 10, provesAtOnce: 13, provesNoDealIds: 14, deposit: 16 } as const;
const METHOD = {
  CreateMiner: 2,
  PreCommitSector: 6,
  ProveCommitSector: 7,
  ConfirmWorker: 21,
  ProveReplicaUpdates: 27,
  ExtendSectorExpiration: 8,
  PreCommitSectorBatch2: 28,
  ExtendSectorExpiration2: 32,
  ProveCommitSectors3: 34,
  ProveReplicaUpdates3: 35,
} as const;
/** attoFIL: the most that the deposit can be, the pledge of 1 TiB at a FIL for 32 GiB; what it is less stays the miner's. */
const MOST_DEPOSIT = 32n * FIL;
/** Partitions that a window PoSt may name; before v12 there could be more. */
const POSTED_PARTITIONS = 3;

export function publishedMessages(
  networkVersion: number,
  prefix: NetworkPrefix,
  encode: EncodeCall,
): Pick<MinerMessages, Published> {
  const actors = findVersion(networkVersion)?.actors ?? 0;
  return {
    createMiner: ({ owner, worker, sealProof, peerId, multiaddrs }) =>
      encode(
        "storagepower",
        "CreateMiner",
        METHOD.CreateMiner,
        {
          Owner: owner.toString(prefix),
          Worker: worker.toString(prefix),
          WindowPoStProofType: windowPostType(sealProof, networkVersion),
          Peer: toBase64(peerId),
          Multiaddrs: multiaddrs.map(toBase64),
        },
        { by: OWNER, maxFee: MAX_FEE.control, value: actors >= SINCE.deposit ? MOST_DEPOSIT : 0n },
      ),
    namesPieces: namesPieces(networkVersion),
    preCommit({ sealProof, number, sealedCid, sealRandEpoch, dealIds, expiration, unsealedCid, replaces }, value) {
      if (replaces !== undefined) throw noReplacing(networkVersion);
      const info = {
        SealProof: sealProof,
        SectorNumber: number,
        SealedCID: { "/": sealedCid.toString() },
        SealRandEpoch: sealRandEpoch,
        DealIDs: dealIds.map(Number),
        Expiration: expiration,
      };
      const sent = { by: SEALING, maxFee: MAX_FEE.preCommit, value };
      if (actors >= SINCE.batchWithoutDeals) {
        const batch = { Sectors: [{ ...info, UnsealedCid: unsealedCid == null ? null : { "/": `${unsealedCid}` } }] };
        return encode("storageminer", "PreCommitSectorBatch2", METHOD.PreCommitSectorBatch2, batch, sent);
      }
      const places = { ReplaceSectorDeadline: 0, ReplaceSectorPartition: 0, ReplaceSectorNumber: 0 };
      const whole = { ...info, ReplaceCapacity: false, ...places };
      return encode("storageminer", "PreCommitSector", METHOD.PreCommitSector, whole, sent);
    },
    proveCommit(sector, proof, value, { dealIds, pieces } = NO_CONTENT) {
      const sent = { by: SEALING, maxFee: MAX_FEE.commit, value };
      if (dealIds.length > 0 && actors >= SINCE.provesNoDealIds)
        throw new MinerError(
          { code: "NO_METHOD", method: "ProveCommitSector", networkVersion },
          `the pre-commit of sector ${sector} names its deals, as before network version ${PIECES_SINCE}, and network version ${networkVersion} proves no such sector any more`,
        );
      // A pre-commit of before an upgrade names its deals itself, and is proven as it was then.
      if (actors < SINCE.provesAtOnce || dealIds.length > 0) {
        const one = { SectorNumber: sector, Proof: toBase64(proof) };
        return encode("storageminer", "ProveCommitSector", METHOD.ProveCommitSector, one, sent);
      }
      const params = {
        SectorActivations: [{ SectorNumber: sector, Pieces: pieces.map((one) => manifestOf(one, prefix)) }],
        SectorProofs: [toBase64(proof)],
        AggregateProof: "",
        AggregateProofType: null,
        RequireActivationSuccess: true,
        RequireNotificationSuccess: true,
      };
      return encode("storageminer", "ProveCommitSectors3", METHOD.ProveCommitSectors3, params, sent);
    },
    replicaUpdate({ sector, deadline, partition, sealProof, sealedCid, proof, content }, value) {
      const sent = { by: SEALING, maxFee: MAX_FEE.commit, value };
      const place = { Deadline: deadline, Partition: partition };
      const [proofType, newSealed] = [updateProofType(sealProof), { "/": sealedCid.toString() }];
      if (actors < SINCE.provesAtOnce) {
        const deals = { Deals: content.dealIds.map(Number), UpdateProofType: proofType, ReplicaProof: toBase64(proof) };
        const update = { SectorID: sector, ...place, NewSealedSectorCID: newSealed, ...deals };
        const params = { Updates: [update] };
        return encode("storageminer", "ProveReplicaUpdates", METHOD.ProveReplicaUpdates, params, sent);
      }
      const pieces = content.pieces.map((one) => manifestOf(one, prefix));
      const params = {
        SectorUpdates: [{ Sector: sector, ...place, NewSealedCID: newSealed, Pieces: pieces }],
        SectorProofs: [toBase64(proof)],
        AggregateProof: "",
        UpdateProofsType: proofType,
        AggregateProofType: null,
        RequireActivationSuccess: true,
        RequireNotificationSuccess: true,
      };
      return encode("storageminer", "ProveReplicaUpdates3", METHOD.ProveReplicaUpdates3, params, sent);
    },
    extend(extensions) {
      const all = extensions.map(({ deadline, partition, sectors, expiration }) => ({
        ...{ Deadline: deadline, Partition: partition, Sectors: runsOf(sectors) },
        ...(actors >= SINCE.batchWithoutDeals ? { SectorsWithClaims: [] } : {}),
        NewExpiration: expiration,
      }));
      const name = actors >= SINCE.batchWithoutDeals ? "ExtendSectorExpiration2" : "ExtendSectorExpiration";
      const sent = { by: PROVING, maxFee: MAX_FEE.control };
      return encode("storageminer", name, METHOD[name], { Extensions: all }, sent);
    },
    confirmWorker() {
      const name = actors >= SINCE.renamedWorker ? "ConfirmChangeWorkerAddress" : "ConfirmUpdateWorkerKey";
      return encode("storageminer", name, METHOD.ConfirmWorker, null, { by: OWNER, maxFee: MAX_FEE.control });
    },
    maxPostPartitions: () => POSTED_PARTITIONS,
  };
}

const firstWith = (actors: number): number => NETWORK_VERSIONS.find((row) => row.actors >= actors)?.number ?? 0;
/** Network version from which on proofs name pieces, and the one at which a pre-commit that names deals cannot be proven any more (FIP-0084). */
export const PIECES_SINCE: number = firstWith(SINCE.provesAtOnce);
export const DEAL_IDS_UNTIL: number = firstWith(SINCE.provesNoDealIds);

/** Whether a sector's proof names its pieces, one by one, and its pre-commit no deals. */
export function namesPieces(networkVersion: number): boolean {
  return (findVersion(networkVersion)?.actors ?? 0) >= SINCE.provesAtOnce;
}

/** Whether the actors of a network version put data into sectors that were sealed without any (FIP-0019). */
export function takesUpdates(networkVersion: number): boolean {
  return isFvm(networkVersion);
}

export function noUpdates(networkVersion: number): MinerError {
  return new MinerError(
    { code: "NO_METHOD", method: "ProveReplicaUpdates3", networkVersion },
    `the actors of network version ${networkVersion} put no data into a sector that is sealed already: that takes a network of version 16 or later; seal new sectors for it`,
  );
}

const NO_CONTENT = { dealIds: [], pieces: [] } as const;

/** A piece as a proof names it; the market is told of the deal that the piece is of. */
function manifestOf({ pieceCid, size, dealId, allocation }: ActivatedPiece, prefix: NetworkPrefix): Json {
  return {
    CID: { "/": `${pieceCid}` },
    Size: Number(size),
    VerifiedAllocationKey:
      allocation === null ? null : { Client: Number(allocation.client), ID: Number(allocation.id) },
    Notify: dealId === null ? [] : [{ Address: MARKET.toString(prefix), Payload: toBase64(encodeCbor(dealId)) }],
  };
}

function noReplacing(networkVersion: number): MinerError {
  return new MinerError(
    { code: "NO_METHOD", method: "PreCommitSector", networkVersion },
    `the actors of network version ${networkVersion} put no sector in the place of another`,
  );
}
