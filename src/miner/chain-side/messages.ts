/**
 * What a miner sends, as messages of the actors in force. One implementation for each generation of the actors; nothing
 * else of a miner's software knows their versions.
 *
 * Who may send what, and the limits: `assembly/actors/miner/methods`. Fee limits: lotus node/config/def.go.
 */
import { toBase64 } from "../../base/bytes.ts";
import { nativeCode } from "../../params/actor-codes.ts";
import { FIGURES, figureAt } from "../../schema/versions/figures.ts";
import { findVersion } from "../../schema/versions/rows.ts";
import type { SectorSet } from "../../state/miner-sectors.ts";
import { encodeMethodParams } from "../../state/state-view.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import type { PoStProof } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import type { Json } from "../../types/schema-codec.ts";
import { POWER } from "../../types/singletons.ts";
import type { DeadlineClock } from "./chain.ts";
import { MinerError } from "./errors.ts";
import { runsOf } from "./runs.ts";

/** Part that an address has in a miner; `proposed`: the owner that is to confirm. */
export type SenderRole = "owner" | "worker" | "control" | "proposed";

/** A message of a miner before it is known who sends it. */
export type MinerCall = {
  /** Method's name, for people. */
  readonly name: string;
  readonly to: Address;
  readonly method: bigint;
  readonly params: Uint8Array;
  /** attoFIL that go with it. */
  readonly value: bigint;
  /** Who may send it, the preferred first. */
  readonly by: readonly SenderRole[];
  /** attoFIL that its gas may cost. */
  readonly maxFee: bigint;
};

/** Sectors of one partition. */
export type PartitionSectors = { readonly deadline: number; readonly partition: number; readonly sectors: SectorSet };

export type PreCommitTerms = {
  readonly sealProof: number;
  readonly number: number;
  readonly sealedCid: CID;
  /** Epoch of the ticket that it was sealed with. */
  readonly sealRandEpoch: number;
  readonly dealIds: readonly bigint[];
  readonly expiration: number;
  /** A sector without deals that this one replaces. */
  readonly replaces?: { readonly deadline: number; readonly partition: number; readonly number: number };
};

export type WindowPost = {
  readonly deadline: number;
  readonly partitions: readonly { readonly index: number; readonly skipped: SectorSet }[];
  readonly proofs: readonly PoStProof[];
  /** An epoch that the prover saw, and its ticket. */
  readonly commitEpoch: number;
  readonly commitRandomness: Uint8Array;
};

export type NewMiner = {
  readonly owner: Address;
  readonly worker: Address;
  readonly sealProof: number;
  readonly peerId: Uint8Array;
  readonly multiaddrs: readonly Uint8Array[];
};

export type MinerMessages = {
  /** Version of the actors that these are for. */
  readonly actorsVersion: number;
  createMiner(miner: NewMiner): MinerCall;
  /** `value`: attoFIL that go with it, for the deposit. */
  preCommit(sector: PreCommitTerms, value: bigint): MinerCall;
  /** `value`: attoFIL for the pledge beyond the deposit. */
  proveCommit(sector: number, proof: Uint8Array, value: bigint): MinerCall;
  declareFaults(faults: readonly PartitionSectors[]): MinerCall;
  declareRecoveries(recoveries: readonly PartitionSectors[]): MinerCall;
  submitWindowPost(post: WindowPost): MinerCall;
  /** Epoch whose ticket a window PoSt commits to, when the head is at `height`. */
  commitEpochAt(height: number, deadline: DeadlineClock): number;
  /** Partitions that one window PoSt may name, of partitions of some size. */
  maxPostPartitions(partitionSectors: number): number;
  extend(extensions: readonly (PartitionSectors & { readonly expiration: number })[]): MinerCall;
  terminate(sectors: readonly PartitionSectors[]): MinerCall;
  compact(deadline: number, partitions: SectorSet): MinerCall;
  /** The worker from a later epoch on, and all control addresses from now on. */
  changeWorker(worker: Address, controls: readonly Address[]): MinerCall;
  confirmWorker(): MinerCall;
  /** Proposed by the owner, then confirmed with the same address by the one that is proposed. */
  changeOwner(owner: Address, by: "owner" | "proposed"): MinerCall;
  changePeerId(peerId: Uint8Array): MinerCall;
  changeMultiaddrs(multiaddrs: readonly Uint8Array[]): MinerCall;
  /** attoFIL. */
  withdraw(amount: bigint): MinerCall;
  repayDebt(value: bigint): MinerCall;
};

const FIL = 10n ** 18n;
/** attoFIL. Source: lotus node/config/def.go; what it does not name has the limit of control messages. */
const MAX_FEE = {
  preCommit: FIL / 40n,
  commit: FIL / 20n,
  terminate: FIL / 2n,
  post: 5n * FIL,
  declare: FIL / 20n,
  control: (7n * FIL) / 100n,
} as const;

/** Sectors that one message may name, as in `assembly/actors/miner/policy.ts`. */
const ADDRESSED_SECTORS = 10_000;
/** Controllers may send most, prove-commits anybody may. Order of the reference's first miner: lotus v1.2.0 storage/addresses.go. */
const OWNER = ["owner"] as const;
const SEALING = ["worker", "owner", "control"] as const;
const PROVING = ["control", "owner", "worker"] as const;
const POWER_CREATE_MINER = 2;
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

type Sent = { readonly by: readonly SenderRole[]; readonly maxFee: bigint; readonly value?: bigint };

/** The messages of the actors that are in force under a network version; throws `MinerError` NO_METHOD for what they lack. */
export function minerMessages(miner: Address, networkVersion: number, prefix: NetworkPrefix): MinerMessages {
  const actorsVersion = findVersion(networkVersion)?.actors ?? 0;
  const code = nativeCode(networkVersion, "storageminer");
  const mostPartitions = figureAt(FIGURES.addressedPartitionsMax, networkVersion);
  const text = (address: Address): string => address.toString(prefix);
  const call = (name: MethodName, params: Json, { by, maxFee, value = 0n }: Sent): MinerCall => {
    const method = BigInt(METHOD[name]);
    return { name, to: miner, method, params: encodeMethodParams(code, method, params, prefix), value, by, maxFee };
  };
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
    createMiner: ({ owner, worker, sealProof, peerId, multiaddrs }) => ({
      name: "CreateMiner",
      to: POWER,
      method: BigInt(POWER_CREATE_MINER),
      params: encodeMethodParams(
        nativeCode(networkVersion, "storagepower"),
        BigInt(POWER_CREATE_MINER),
        {
          Owner: text(owner),
          Worker: text(worker),
          SealProofType: sealProof,
          Peer: toBase64(peerId),
          Multiaddrs: multiaddrs.map(toBase64),
        },
        prefix,
      ),
      value: 0n,
      by: OWNER,
      maxFee: MAX_FEE.control,
    }),
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
