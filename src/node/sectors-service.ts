/** What the RPC interface asks about the sectors of a node's own miners. */
import { platform } from "#platform";
import { describeError, isFilError } from "../base/errors.ts";
import { minerMessages } from "../miner/chain-side/messages.ts";
import { checkFiles } from "../miner/folders/check.ts";
import type { SectorFolder } from "../miner/folders/folder.ts";
import type { AwayFolder } from "../miner/folders/folders.ts";
import { replicaOf } from "../miner/own-sectors.ts";
import type { Condition } from "../miner/sealing/chain.ts";
import { SealingError } from "../miner/sealing/errors.ts";
import type { SectorMachine } from "../miner/sealing/machine.ts";
import { ownFolders } from "../miner/sealing/own-files.ts";
import { type PieceDeal, piecesOf, type SectorRecord } from "../miner/sealing/record.ts";
import { nextState, OPEN_STATES, SECTOR_STATES, type SectorState } from "../miner/sealing/states.ts";
import { deadlinesOf, SEALING_EPOCHS } from "../miner/sealing/terms.ts";
import type { DirectPiece, DirectPlace, FolderView, SectorStep, SectorsService, SectorView } from "../rpc/services.ts";
import { sealProof } from "../sector/params.ts";
import { pieceCidV1, sealedCid } from "../sector/piece/cid.ts";
import { zeroPieceCommitment } from "../sector/piece/pieces.ts";
import { type JsonObject, ObjectReader } from "../state/actor-reader.ts";
import { sectorExpiration } from "../state/miner-reader.ts";
import type { Address } from "../types/address.ts";
import { parseCid } from "../types/cid.ts";
import type { FilecoinNode } from "./node.ts";
import { type ChainFacts, type SealingLine, type SealingPart, START_BUFFER } from "./sealing-part.ts";

/** Epochs more than a deal must be ahead, for data without one: it has no start to miss. */
const DIRECT_MARGIN = 2880;

/** Sectors of the genesis have no record: their states are what the chain says. */
const STATES: Readonly<Record<Condition, SectorState>> = {
  absent: "Removed",
  unproven: "Proving",
  healthy: "Proving",
  faulty: "Faulty",
  recovering: "Recovering",
  terminated: "Expiring",
};

/** States of sectors that have ended and whose files elections may ask for. */
const ENDED: readonly SectorState[] = ["Expiring", "TerminateFinality"];

type Conditions = ReadonlyMap<number, Condition>;

/** Of sectors without a record, those that have ended before their time. */
async function endedEarly({ chain, machine }: SealingLine, conditions: Conditions): Promise<ReadonlySet<number>> {
  const ended = [...conditions].filter(([number, one]) => one === "terminated" && !machine.records.has(number));
  if (ended.length === 0) return new Set();
  const { epoch } = await chain.head();
  const early = new Set<number>();
  for (const [number] of ended) if (((await chain.sector(number))?.expiration ?? 0) > epoch) early.add(number);
  return early;
}

function stateOf(number: number, conditions: Conditions, early: ReadonlySet<number>): SectorState {
  return early.has(number) ? "TerminateFinality" : STATES[conditions.get(number) ?? "absent"];
}

/** `hasLaboratory`: whether losses can be played where this is asked. */
export function sectorsService(part: SealingPart, hasLaboratory = false): SectorsService {
  const line = (miner: Address): SealingLine => {
    const found = part.line(miner);
    if (found === undefined) throw new Error(`${miner} is no miner of this node`);
    return found;
  };
  const ofGenesis = ({ miner, machine }: SealingLine): number[] =>
    [...miner.sectors.keys()].filter((number) => !machine.records.has(number));
  return {
    miners: part.miners,
    pledge: async (miner) => (await line(miner).machine.pledge()).number,
    addPiece: (miner, piece) => addDirect(line(miner), piece),
    async list(miner) {
      const own = line(miner);
      const others = ofGenesis(own);
      const conditions = await own.chain.conditions(others);
      const early = await endedEarly(own, conditions);
      return [
        ...own.machine.records.all().map(({ number, state }) => ({ number, state: state as string })),
        ...others.map((number) => ({ number, state: stateOf(number, conditions, early) as string })),
      ].sort((a, b) => a.number - b.number);
    },
    async overview(miner) {
      const own = line(miner);
      await own.machine.look();
      const conditions = await own.chain.allConditions();
      const early = await endedEarly(own, conditions);
      const recovering = [...conditions].filter(([, one]) => one === "recovering").map(([number]) => number);
      const counts = await own.chain.nextProofs(recovering);
      // Nothing is awaited from here on: no sector is in two states, or in none.
      const states = new Map<number, string>();
      const kept = new Map<number, number | null>();
      for (const { number, state, finalEpoch } of own.machine.records.all()) {
        states.set(number, state);
        if (ENDED.includes(state)) kept.set(number, finalEpoch);
      }
      for (const number of ofGenesis(own)) states.set(number, stateOf(number, conditions, early));
      return [...new Set([...states.keys(), ...conditions.keys()])]
        .sort((a, b) => a - b)
        .map((number) => ({
          number,
          state: states.get(number) ?? "",
          chain: conditions.get(number) ?? "absent",
          isHeld: own.miner.sectors.has(number),
          countsFrom: counts.get(number) ?? null,
          keptUntil: kept.get(number) ?? null,
        }));
    },
    async status(miner, number) {
      const own = line(miner);
      const { machine, chain } = own;
      if (machine.records.has(number)) {
        await machine.look();
        const { networkVersion } = await chain.head();
        const log = await machine.records.log(number);
        return viewOf(machine.records.get(number), networkVersion, log);
      }
      if (!ofGenesis(own).includes(number)) return null;
      const conditions = await chain.conditions([number]);
      const state = stateOf(number, conditions, await endedEarly(own, conditions));
      return { ...NOTHING, number, state, commR: own.miner.sectors.get(number)?.sealedCid ?? null };
    },
    async markForUpgrade(miner, number) {
      await known(line(miner), number).mark(number);
    },
    async abortUpgrade(miner, number) {
      const machine = known(line(miner), number);
      const { state } = machine.records.get(number);
      if (nextState(state, "aborted") === null)
        throw new SealingError(
          { code: "BAD_EVENT", sector: number, state, event: "aborted" },
          whyNotAborted(number, state),
        );
      await machine.abortUpgrade(number);
    },
    async remove(miner, number) {
      const own = line(miner);
      const { records } = own.machine;
      if (!records.has(number))
        throw new SealingError(
          { code: "UNKNOWN_SECTOR", sector: number },
          await whyUnremovable(own, number, hasLaboratory),
        );
      const record = records.get(number);
      const { state } = record;
      if (nextState(state, "removed") === null)
        throw new SealingError({ code: "BAD_EVENT", sector: number, state, event: "removed" }, whyNotNow(record));
      await ownFolders(part.folders.storage, { miner: miner.actorId as bigint, number }, record);
      await own.machine.tell(number, "removed");
    },
    steps: () => part.records().map(({ miner, record }) => stepOf(miner, record)),
    watch: (watcher) => part.watch((miner, record) => watcher(stepOf(miner, record))),
    idOf: (address) => part.facts.idOf(address),
    onChain: (miner, number) => part.facts.onChain(miner, number),
    async standing(miner, number) {
      const { chain, machine } = line(miner);
      const condition = (await chain.conditions([number])).get(number) ?? "absent";
      const counts = condition === "recovering" ? (await chain.nextProofs([number])).get(number) : undefined;
      const final = machine.records.has(number) ? machine.records.get(number).finalEpoch : null;
      const hasEnded = condition === "terminated" || condition === "absent";
      const endedAt = final !== null && hasEnded ? final - SEALING_EPOCHS.lookback : null;
      return { chain: condition, endedAt, countsFrom: counts ?? null };
    },
    async check(miner, numbers, full, signal) {
      const own = line(miner);
      await part.folders.look();
      const bad = new Map<number, string>();
      for (const number of numbers) {
        signal?.throwIfAborted();
        const why = await faultOf(part, own, number, full);
        if (why !== null) bad.set(number, why);
      }
      return bad;
    },
    folders: async () => (await foldersOf(part)).there,
    awayFolders: async () => (await foldersOf(part)).away,
    attach: (path, limits) => part.folders.attach(path, limits),
    detach: (path) => part.folders.detach(path),
  };
}

/** The machine of a sector that was made here. */
function known({ machine, miner }: SealingLine, number: number): SectorMachine {
  if (machine.records.has(number)) return machine;
  throw new SealingError(
    { code: "UNKNOWN_SECTOR", sector: number },
    miner.sectors.has(number)
      ? `sector ${number} was sealed with the network's genesis: its files come from the network's seed and are not changed; pledge a sector, which can take data later`
      : `this miner has no record of a sector ${number}`,
  );
}

/** States of sectors whose update can be taken back no more. */
const UPDATED: readonly SectorState[] = [
  ...(["SubmitReplicaUpdate", "ReplicaUpdateWait", "UpdateActivating"] as const),
  ...(["FinalizeReplicaUpdate", "FinalizeReplicaUpdateFailed"] as const),
];

function whyNotAborted(number: number, state: SectorState): string {
  if (state === "AbortUpgrade")
    return `the update of sector ${number} is being taken back already; it is Proving again once no fork can execute its message`;
  const isSent = UPDATED.includes(state);
  return isSent
    ? `the update of sector ${number} is on its way to the chain or there (${state}): it cannot be taken back any more`
    : `sector ${number} is ${state}: it is neither marked nor being updated, and there is nothing to take back`;
}

/** States of sectors that are being updated, or wait for it. */
const UPGRADING: readonly SectorState[] = [
  ...(["Available", "SnapDealsWaitDeals", "SnapDealsPacking", "UpdateReplica", "ProveReplicaUpdate"] as const),
  ...(["SubmitReplicaUpdate", "WaitMutable", "ReplicaUpdateWait", "UpdateActivating", "ReplicaUpdateFailed"] as const),
];

/** Of a sector without a record. */
async function whyUnremovable({ miner, chain }: SealingLine, number: number, hasLaboratory: boolean): Promise<string> {
  const condition = (await chain.conditions([number])).get(number) ?? "absent";
  if (miner.sectors.has(number))
    return (
      `sector ${number} was sealed with the network's genesis: its files come from the network's seed and are not removed; ` +
      (["terminated", "absent"].includes(condition)
        ? "it has ended already, and is proven no more"
        : "end it with `filigree miner sectors terminate`, asked of the node" +
          (hasLaboratory ? ", or play its loss (Devnet.setSectorFault)" : ""))
    );
  return condition === "absent"
    ? `the miner has no sector ${number}`
    : `sector ${number} is on the chain (${condition}), but no record and no files of it are here`;
}

function whyNotNow({ number, state, finalEpoch }: SectorRecord): string {
  if (state === "Removed") return `sector ${number} is removed already`;
  if (state === "Removing" || state === "RemoveFailed") return `sector ${number} is being removed already`;
  if (ENDED.includes(state)) {
    const when = finalEpoch === null ? "by themselves" : `by themselves at epoch ${finalEpoch}`;
    return `sector ${number} has ended (${state}): its files are kept while an election may still draw it, and go ${when}; nothing need be done`;
  }
  if (state.startsWith("Terminat"))
    return (
      `sector ${number} is being ended (${state}): its files go by themselves ${SEALING_EPOCHS.lookback} epochs after the ` +
      "termination is executed; nothing need be done"
    );
  if (UPGRADING.includes(state) && nextState(state, "aborted") !== null)
    return `sector ${number} is proven and takes data now (${state}): take that back first with \`filigree miner sectors abort-upgrade ${number}\``;
  return `sector ${number} cannot be removed while it is ${state}: wait until it is proven or has failed for good`;
}

function stepOf(miner: Address, { number, state, since, steps, error }: SectorRecord): SectorStep {
  const { kind, about } = SECTOR_STATES[state];
  return { miner, number, state, kind, about, since, steps, error: error === null ? "" : error.text };
}

/** Puts data into a sector without a deal. Throws `SealingError` NO_DIRECT for actors that know deals alone. */
async function addDirect(own: SealingLine, piece: DirectPiece): Promise<DirectPlace> {
  const { chain, pieces, machine, miner } = own;
  const { epoch, networkVersion } = await chain.head();
  if (!minerMessages(miner.address, networkVersion, "t").namesPieces)
    throw new SealingError(
      { code: "NO_DIRECT", networkVersion },
      `network version ${networkVersion} takes data by deals alone: from version 22 on a sector's proof can name it directly`,
    );
  const { allocation, keepUnsealed, seals } = piece;
  const deal = {
    id: null,
    ...{ startEpoch: epoch + START_BUFFER + DIRECT_MARGIN, keepUnsealed },
    endEpoch: piece.endEpoch ?? epoch + SEALING_EPOCHS.capacityLife,
    ...(allocation === null ? {} : { allocation: { client: Number(allocation.client), id: Number(allocation.id) } }),
  };
  const placed = await pieces.add({ bytes: piece.bytes, payloadSize: piece.size }, deal);
  const { sector, offset, paddedSize, commP } = placed;
  if (seals && OPEN_STATES.includes(machine.records.get(sector).state)) await machine.tell(sector, "closed");
  return { sector, offset, size: paddedSize, cid: pieceCidV1(commP) };
}

/** Why a sector's files are not as its commitments say; null if they are. */
async function faultOf(part: SealingPart, own: SealingLine, number: number, full: boolean): Promise<string | null> {
  const { miner, machine, chain } = own;
  const held = miner.sectors.get(number);
  if (held === undefined) {
    if (!machine.records.has(number)) return "no record and no files of it are here";
    const { state } = machine.records.get(number);
    return state === "Removed" ? "its files were removed" : `it has no sealed files that count: it is ${state}`;
  }
  const record = machine.records.has(number) ? machine.records.get(number) : null;
  const proof = sealProof(part.sealProof);
  try {
    const { commR, store, isUpdate } = await replicaOf(
      held,
      async (one) => (await chain.sector(one))?.sealedCid ?? null,
    );
    const commD = (isUpdate === true ? record?.update?.commD : record?.commD) ?? zeroCommD(part);
    const sector = { number, proof, commD, commR };
    const depth = full ? "full" : "quick";
    const findings = await checkFiles(part.proofs, store, sector, depth, platform.randomBytes(32));
    return findings.length === 0 ? null : findings.map(({ text }) => text).join("; ");
  } catch (error) {
    return describeError(error);
  }
}

/** Commitment to the data of a sector without data, such as those of the genesis. */
function zeroCommD({ proofs, sealProof: type }: SealingPart): Uint8Array {
  return zeroPieceCommitment(proofs, sealProof(type).sectorBytes);
}

/** Folders that can be looked into, and the others with what stands in the way. */
async function foldersOf(part: SealingPart): Promise<{ there: FolderView[]; away: AwayFolder[] }> {
  const away = [...(await part.folders.look())];
  const there: FolderView[] = [];
  for (const folder of part.folders.storage.all) {
    const path = folder.path ?? folder.id;
    if (away.some((one) => one.path === path)) continue;
    try {
      there.push(await folderView(folder));
    } catch (error) {
      // It went away just now.
      away.push({ path, why: describeError(error) });
    }
  }
  return { there, away };
}

async function folderView(folder: SectorFolder): Promise<FolderView> {
  const { id, path, limits, isReadOnly } = folder;
  return { id, path, limits, isReadOnly, room: await folder.room(), sectors: await folder.sectors() };
}

/** What the chain says, for sectors of a node's own: of the state before the head, as the interface tells. */
export function factsOfNode({ states }: Pick<FilecoinNode, "states">): ChainFacts {
  const { chain, network } = states;
  const view = () => states.stateBefore(chain.head);
  return {
    idOf: async (address) => (await view()).requireId(address),
    async onChain(miner, number) {
      const state = await ObjectReader.open(chain.blocks, await (await view()).requireActor(miner), network.prefix);
      const found = (await state.element("Sectors", BigInt(number))) as JsonObject | null;
      if (found === null) return null;
      const none = { onTime: 0, early: 0 };
      const ends = await sectorExpiration(state, BigInt(number)).catch((error: unknown) => {
        if (isFilError(error, "NO_SECTOR")) return none;
        throw error;
      });
      const whole = (name: string): bigint => BigInt((found[name] ?? "0") as string);
      return {
        activation: Number(found["Activation"] ?? 0),
        expiration: Number(found["Expiration"] ?? 0),
        dealWeight: whole("DealWeight"),
        verifiedDealWeight: whole("VerifiedDealWeight"),
        initialPledge: whole("InitialPledge"),
        ...ends,
      };
    },
  };
}

const NOTHING: SectorView = {
  ...{ number: 0, state: "", sealProof: 0, commD: null, commR: null, proof: new Uint8Array(0), pieces: [] },
  ...{ isUpgrading: false, updateMessage: null },
  ...{ ticket: null, seed: null, preCommitMessage: null, commitMessage: null, retries: 0, lastError: "", log: [] },
  deadlines: { ticketExpires: null, commitDue: null },
};

type Log = Awaited<ReturnType<SealingLine["machine"]["records"]["log"]>>;

function dealView({ id, startEpoch, endEpoch, allocation }: PieceDeal) {
  return {
    ...{ id: id === null ? null : BigInt(id), startEpoch, endEpoch },
    allocation: allocation === undefined ? null : { client: BigInt(allocation.client), id: BigInt(allocation.id) },
  };
}

/** What a sector's data and replica are: those of its update once that is on the chain. */
function contentOf({ commD, sealed, update, state }: SectorRecord) {
  const isUpdated =
    update !== null &&
    (update.isFinal || ["UpdateActivating", "FinalizeReplicaUpdate", "FinalizeReplicaUpdateFailed"].includes(state));
  if (isUpdated) return { commD: update.commD, commR: update.made?.commR ?? null };
  return { commD, commR: sealed?.commR ?? null };
}

function viewOf(record: SectorRecord, networkVersion: number, log: Log): SectorView {
  const { number, state, proof, porep, ticket, seed, failures, error } = record;
  const { commD, commR } = contentOf(record);
  const { restarts: _, ...counted } = failures;
  return {
    ...{ number, state, sealProof: proof, ticket, seed },
    commD: commD === null ? null : pieceCidV1(commD),
    commR: commR === null ? null : sealedCid(commR),
    proof: porep ?? new Uint8Array(0),
    isUpgrading: UPGRADING.includes(state),
    updateMessage: record.update === null || record.update.message === null ? null : parseCid(record.update.message),
    pieces: piecesOf(record).map(({ paddedSize, commP, deal }) => ({
      size: BigInt(paddedSize),
      cid: pieceCidV1(commP),
      deal: deal === null ? null : dealView(deal),
      keepUnsealed: deal?.keepUnsealed ?? false,
    })),
    preCommitMessage: record.preCommitMessage === null ? null : parseCid(record.preCommitMessage),
    commitMessage: record.commitMessage === null ? null : parseCid(record.commitMessage),
    retries: Object.values(counted).reduce((sum, count) => sum + count, 0),
    lastError: error?.text ?? "",
    deadlines: deadlinesOf(record, networkVersion),
    log: log.map(({ event, at, to, text }) => ({
      kind: `event;${event}`,
      time: Math.floor(at / 1000),
      message: text === "" ? to : `${to}: ${text}`,
    })),
  };
}
