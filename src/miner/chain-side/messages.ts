/**
 * What a miner sends, as messages of the actors in force. One implementation for each generation of the actors; nothing
 * else of a miner's software knows their versions.
 *
 * Who may send what, and the limits: `assembly/actors/miner/methods`. Fee limits: lotus node/config/def.go.
 */
import { toBase64 } from "../../base/bytes.ts";
import { describedCode } from "../../params/actor-codes.ts";
import { FIGURES, figureAt } from "../../schema/versions/figures.ts";
import { findVersion, isFvm } from "../../schema/versions/rows.ts";
import { encodeMethodParams } from "../../state/state-view.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import { runsOf } from "../../types/number-runs.ts";
import type { Json } from "../../types/schema-codec.ts";
import { POWER } from "../../types/singletons.ts";
import {
  type EncodeCall,
  MAX_FEE,
  type MinerCall,
  type MinerMessages,
  OWNER,
  type PartitionSectors,
  PROVING,
  SEALING,
  type Sent,
} from "./calls.ts";
import { MinerError } from "./errors.ts";
import { noUpdates, publishedMessages } from "./published-messages.ts";

/** Sectors that one message may name, as in `assembly/actors/miner/policy.ts`. */
const ADDRESSED_SECTORS = 10_000;
const POWER_CREATE_MINER = 2;
/** The same in all actors, but for those that `published-messages.ts` has. */
const METHOD = {
  ChangeWorkerAddress: 3,
  ChangePeerID: 4,
  SubmitWindowedPoSt: 5,
  PreCommitSector: 6,
  ProveCommitSector: 7,
  ExtendSectorExpiration: 8,
  TerminateSectors: 9,
  DeclareFaults: 10,
  DeclareFaultsRecovered: 11,
  WithdrawBalance: 16,
  ChangeMultiaddrs: 18,
  CompactPartitions: 19,
  ConfirmUpdateWorkerKey: 21,
  RepayDebt: 22,
  ChangeOwnerAddress: 23,
} as const;
type MethodName = keyof typeof METHOD;

/** The messages of the actors that are in force under a network version; throws `MinerError` NO_METHOD for what they lack. */
export function minerMessages(miner: Address, networkVersion: number, prefix: NetworkPrefix): MinerMessages {
  const encode: EncodeCall = (actor, name, method, params, { by, maxFee, value = 0n }) => ({
    ...{ name, to: actor === "storageminer" ? miner : POWER, method: BigInt(method) },
    params: encodeMethodParams(describedCode(networkVersion, actor), BigInt(method), params, prefix),
    ...{ value, by, maxFee },
  });
  const common = commonMessages(networkVersion, prefix, encode);
  return isFvm(networkVersion) ? { ...common, ...publishedMessages(networkVersion, prefix, encode) } : common;
}

/** As this engine's own actors take them, and for the most part the published ones. */
function commonMessages(networkVersion: number, prefix: NetworkPrefix, encode: EncodeCall): MinerMessages {
  const actorsVersion = findVersion(networkVersion)?.actors ?? 0;
  const mostPartitions = figureAt(FIGURES.addressedPartitionsMax, networkVersion);
  const text = (address: Address): string => address.toString(prefix);
  const call = (name: MethodName, params: Json, sent: Sent): MinerCall =>
    encode("storageminer", name, METHOD[name], params, sent);
  const since2 = (name: MethodName, params: Json, sent: Sent): MinerCall => {
    if (actorsVersion < 2)
      throw new MinerError(
        { code: "NO_METHOD", method: name, networkVersion },
        `the actors of network version ${networkVersion} have no method ${name}`,
      );
    return call(name, params, sent);
  };
  const places = (all: readonly PartitionSectors[]): Json =>
    all.map(({ deadline, partition, sectors }) => ({
      Deadline: deadline,
      Partition: partition,
      Sectors: runsOf(sectors),
    }));
  return {
    actorsVersion,
    namesPieces: false,
    createMiner: ({ owner, worker, sealProof, peerId, multiaddrs }) =>
      encode(
        "storagepower",
        "CreateMiner",
        POWER_CREATE_MINER,
        {
          Owner: text(owner),
          Worker: text(worker),
          SealProofType: sealProof,
          Peer: toBase64(peerId),
          Multiaddrs: multiaddrs.map(toBase64),
        },
        { by: OWNER, maxFee: MAX_FEE.control },
      ),
    preCommit: ({ sealProof, number, sealedCid, sealRandEpoch, dealIds, expiration, replaces }, value) =>
      call(
        "PreCommitSector",
        {
          SealProof: sealProof,
          SectorNumber: number,
          SealedCID: { "/": sealedCid.toString() },
          SealRandEpoch: sealRandEpoch,
          DealIDs: dealIds.map(Number),
          Expiration: expiration,
          ReplaceCapacity: replaces !== undefined,
          ReplaceSectorDeadline: replaces?.deadline ?? 0,
          ReplaceSectorPartition: replaces?.partition ?? 0,
          ReplaceSectorNumber: replaces?.number ?? 0,
        },
        { by: SEALING, maxFee: MAX_FEE.preCommit, value },
      ),
    proveCommit: (sector, proof, value) =>
      call(
        "ProveCommitSector",
        { SectorNumber: sector, Proof: toBase64(proof) },
        { by: SEALING, maxFee: MAX_FEE.commit, value },
      ),
    replicaUpdate() {
      throw noUpdates(networkVersion);
    },
    declareFaults: (faults) =>
      call("DeclareFaults", { Faults: places(faults) }, { by: PROVING, maxFee: MAX_FEE.declare }),
    declareRecoveries: (recoveries) =>
      call("DeclareFaultsRecovered", { Recoveries: places(recoveries) }, { by: PROVING, maxFee: MAX_FEE.declare }),
    submitWindowPost: ({ deadline, partitions, proofs, commitEpoch, commitRandomness }) =>
      call(
        "SubmitWindowedPoSt",
        {
          Deadline: deadline,
          Partitions: partitions.map(({ index, skipped }) => ({ Index: index, Skipped: runsOf(skipped) })),
          Proofs: proofs.map(({ postProof, proofBytes }) => ({
            PoStProof: Number(postProof),
            ProofBytes: toBase64(proofBytes),
          })),
          ChainCommitEpoch: commitEpoch,
          ChainCommitRand: toBase64(commitRandomness),
        },
        { by: PROVING, maxFee: MAX_FEE.post },
      ),
    // v0 wants an epoch of the last 60, v2 one from the challenge on; the one below the head is both while the window is open.
    commitEpochAt: (height, { challenge }) => Math.max(height - 1, actorsVersion < 2 ? 0 : challenge),
    maxPostPartitions: (size) => Math.max(1, Math.min(Math.floor(ADDRESSED_SECTORS / size), mostPartitions)),
    extend: (extensions) =>
      call(
        "ExtendSectorExpiration",
        {
          Extensions: extensions.map(({ deadline, partition, sectors, expiration }) => ({
            Deadline: deadline,
            Partition: partition,
            Sectors: runsOf(sectors),
            NewExpiration: expiration,
          })),
        },
        { by: PROVING, maxFee: MAX_FEE.control },
      ),
    terminate: (sectors) =>
      call("TerminateSectors", { Terminations: places(sectors) }, { by: PROVING, maxFee: MAX_FEE.terminate }),
    compact: (deadline, partitions) =>
      call(
        "CompactPartitions",
        { Deadline: deadline, Partitions: runsOf(partitions) },
        { by: PROVING, maxFee: MAX_FEE.control },
      ),
    changeWorker: (worker, controls) =>
      call(
        "ChangeWorkerAddress",
        { NewWorker: text(worker), NewControlAddrs: controls.map(text) },
        { by: OWNER, maxFee: MAX_FEE.control },
      ),
    confirmWorker: () => since2("ConfirmUpdateWorkerKey", null, { by: OWNER, maxFee: MAX_FEE.control }),
    changeOwner: (owner, by) => since2("ChangeOwnerAddress", text(owner), { by: [by], maxFee: MAX_FEE.control }),
    changePeerId: (peerId) =>
      call("ChangePeerID", { NewID: toBase64(peerId) }, { by: PROVING, maxFee: MAX_FEE.control }),
    changeMultiaddrs: (multiaddrs) =>
      call("ChangeMultiaddrs", { NewMultiaddrs: multiaddrs.map(toBase64) }, { by: PROVING, maxFee: MAX_FEE.control }),
    withdraw: (amount) =>
      call("WithdrawBalance", { AmountRequested: amount.toString() }, { by: OWNER, maxFee: MAX_FEE.control }),
    repayDebt: (value) => since2("RepayDebt", null, { by: PROVING, maxFee: MAX_FEE.control, value }),
  };
}
