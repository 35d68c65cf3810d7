/**
 * Sectors of this node's own miners, with the names and shapes of the reference's miner interface.
 * Source: lotus api/api_storage.go at b835fab702eb. There a process has one miner; here the last parameter names one of
 * several, and the first is meant without it.
 */
import { contents, sizeOf } from "../../market/data/files.ts";
import { Address } from "../../types/address.ts";
import { address, amount, anyEpoch, bytes, epoch, link, sectorNumber, uint64 } from "../codec/chain-types.ts";
import {
  boolean,
  choice,
  fallback,
  filePath,
  integer,
  list,
  nothing,
  nullable,
  object,
  record,
  text,
} from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { type Group, group, method, param, subscription } from "../method.ts";
import type { AllocationName, NodeServices, SectorStep, SectorsService } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";

/** Sectors of a miner that one answer lists, states that one request names, entries of a log, pieces of a sector. */
const MANY = 1_000_000;
const MAX_STATES = 100;
const MAX_LOG = 500;
const MAX_PIECES = 1024;
/** Folders of a node's miners. */
const MAX_FOLDERS = 512;
/** Sectors that one call checks. */
const MAX_CHECKED = 10_000;

const oneOf = param("miner", nullable(address));
const sectorId = object("SectorID", { Miner: uint64, Number: sectorNumber });
const drawn = object("SealTicket", { Value: bytes(), Epoch: anyEpoch });
const allocationKey = object("VerifiedAllocationKey", { Client: uint64, ID: uint64 });
const piece = object("SectorPiece", {
  Piece: object("PieceInfo", { Size: uint64, PieceCID: link }),
  DealInfo: nullable(
    object("PieceDealInfo", {
      /** 0 for data without a deal, which has a manifest instead. */
      DealID: uint64,
      PieceActivationManifest: nullable(
        object("PieceActivationManifest", {
          CID: link,
          Size: uint64,
          VerifiedAllocationKey: nullable(allocationKey),
        }),
      ),
      DealSchedule: object("DealSchedule", { StartEpoch: anyEpoch, EndEpoch: anyEpoch }),
      KeepUnsealed: boolean,
    }),
  ),
});
const sectorInfo = object("SectorInfo", {
  SectorID: sectorNumber,
  State: text(),
  CommD: nullable(link),
  CommR: nullable(link),
  Proof: bytes(),
  Deals: list(uint64, MAX_PIECES),
  Pieces: list(piece, MAX_PIECES),
  Ticket: drawn,
  Seed: drawn,
  PreCommitMsg: nullable(link),
  CommitMsg: nullable(link),
  Retries: uint64,
  ToUpgrade: boolean,
  ReplicaUpdateMessage: nullable(link),
  LastErr: text(),
  Log: list(object("SectorLog", { Kind: text(), Timestamp: uint64, Trace: text(), Message: text() }), MAX_LOG),
  SealProof: integer(0, 14),
  Activation: anyEpoch,
  Expiration: anyEpoch,
  DealWeight: amount,
  VerifiedDealWeight: amount,
  InitialPledge: amount,
  OnTime: anyEpoch,
  Early: anyEpoch,
  /** Ours: the last epochs at which the pre-commit and the proof are taken. */
  TicketExpires: nullable(anyEpoch),
  CommitDue: nullable(anyEpoch),
  /** Ours, with `showOnChainInfo`: how it stands on the chain (empty: not asked for), when it was seen to have ended, when it counts again. */
  ChainState: text(),
  EndedAt: nullable(anyEpoch),
  CountsFrom: nullable(anyEpoch),
});

export function serviceOf(node: NodeServices): SectorsService {
  if (node.sectors !== undefined) return node.sectors;
  throw new RpcError(
    RPC_CODE.untyped,
    "this node has no miners with sectors that are its own to add to: a local network with miners has (filigree devnet --miners <n>)",
  );
}

async function minerOf(node: NodeServices, wanted: Address | null): Promise<Address> {
  const service = serviceOf(node);
  const { miners } = service;
  const [first] = miners;
  if (wanted === null && first !== undefined) return first;
  const id = wanted === null || wanted.actorId !== null ? wanted : await service.idOf(wanted);
  const found = miners.find((miner) => id !== null && miner.equals(id));
  if (found !== undefined) return found;
  const step =
    "if it is a process of its own, ask it with --rpc http://<its address>, which `filigree miner run` prints";
  return refuseOther(node, wanted, miners, step);
}

/** Refuses what is asked of a miner that is none of those here; `step`: what whoever means another one can do. */
export function refuseOther(
  { network: { prefix } }: NodeServices,
  wanted: Address | null,
  miners: readonly Address[],
  step: string,
): never {
  const names = miners.map((miner) => miner.toString(prefix)).join(", ") || "none";
  return badParams(`${wanted?.toString(prefix) ?? "miner"} is no miner of this node (${names}): ${step}`);
}

/** What the chain says of a sector; zeros where it says nothing. */
async function onChain(node: NodeServices, miner: Address, number: number) {
  const found = await serviceOf(node).onChain(miner, number);
  if (found === null) return NOT_ON_CHAIN;
  return {
    Activation: found.activation,
    Expiration: found.expiration,
    DealWeight: found.dealWeight,
    VerifiedDealWeight: found.verifiedDealWeight,
    InitialPledge: found.initialPledge,
    OnTime: found.onTime,
    Early: found.early,
  };
}

const NO_STANDING = { ChainState: "", EndedAt: null, CountsFrom: null };

async function standing(node: NodeServices, miner: Address, number: number) {
  const { chain, endedAt, countsFrom } = await serviceOf(node).standing(miner, number);
  return { ChainState: chain, EndedAt: endedAt, CountsFrom: countsFrom };
}

const keyOf = (one: AllocationName | null) => (one === null ? null : { Client: one.client, ID: one.id });

const NOT_ON_CHAIN = {
  ...{ Activation: 0, Expiration: 0, DealWeight: 0n, VerifiedDealWeight: 0n, InitialPledge: 0n, OnTime: 0, Early: 0 },
};
const NOT_DRAWN = { Value: new Uint8Array(0), Epoch: 0 };

export const sectorsGroup = group("Sectors", "Sectors of this node's own miners on their way, and afterwards.", {
  PledgeSector: method({
    summary: "Begins a new sector without data, which goes its way by itself, and gives its id.",
    permission: "write",
    params: [oneOf],
    result: sectorId,
    cost: "execute",
    async run([wanted], { node }) {
      const miner = await minerOf(node, wanted);
      const number = await serviceOf(node).pledge(miner);
      return { Miner: miner.actorId as bigint, Number: BigInt(number) };
    },
  }),
  SectorsList: method({
    summary: "Numbers of all sectors of a miner, also of those that are no more.",
    params: [oneOf],
    result: list(sectorNumber, MANY),
    async run([wanted], { node }) {
      const sectors = await serviceOf(node).list(await minerOf(node, wanted));
      return sectors.map(({ number }) => BigInt(number));
    },
  }),
  SectorsListInStates: method({
    summary: "Numbers of the sectors of a miner that are in one of these states.",
    params: [param("states", list(text(64), MAX_STATES)), oneOf],
    result: list(sectorNumber, MANY),
    async run([states, wanted], { node }) {
      const sectors = await serviceOf(node).list(await minerOf(node, wanted));
      return sectors.filter(({ state }) => states.includes(state)).map(({ number }) => BigInt(number));
    },
  }),
  SectorsSummary: method({
    summary: "How many sectors of a miner are in each state.",
    params: [oneOf],
    result: record(integer(0, MANY), MAX_STATES),
    async run([wanted], { node }) {
      const counts: Record<string, number> = {};
      for (const { state } of await serviceOf(node).list(await minerOf(node, wanted)))
        counts[state] = (counts[state] ?? 0) + 1;
      return counts;
    },
  }),
  SectorsStatus: method({
    summary:
      "What is known of a sector: its state, its way so far, and with `showOnChainInfo` what the chain says of it.",
    params: [param("sector", sectorNumber), param("showOnChainInfo", fallback(boolean, false)), oneOf],
    result: sectorInfo,
    async run([number, showOnChainInfo, wanted], { node }) {
      const miner = await minerOf(node, wanted);
      const view =
        number > BigInt(Number.MAX_SAFE_INTEGER) ? null : await serviceOf(node).status(miner, Number(number));
      if (view === null) throw new RpcError(RPC_CODE.untyped, `the miner has no sector ${number}`);
      const shown = (one: typeof view.ticket) => (one === null ? NOT_DRAWN : { Value: one.value, Epoch: one.epoch });
      return {
        SectorID: number,
        State: view.state,
        CommD: view.commD,
        CommR: view.commR,
        Proof: view.proof,
        Deals: view.pieces.map(({ deal }) => deal?.id ?? 0n),
        Pieces: view.pieces.map(({ size, cid, deal, keepUnsealed }) => ({
          Piece: { Size: size, PieceCID: cid },
          DealInfo:
            deal === null
              ? null
              : {
                  DealID: deal.id ?? 0n,
                  PieceActivationManifest:
                    deal.id === null ? { CID: cid, Size: size, VerifiedAllocationKey: keyOf(deal.allocation) } : null,
                  DealSchedule: { StartEpoch: deal.startEpoch, EndEpoch: deal.endEpoch },
                  KeepUnsealed: keepUnsealed,
                },
        })),
        Ticket: shown(view.ticket),
        Seed: shown(view.seed),
        PreCommitMsg: view.preCommitMessage,
        CommitMsg: view.commitMessage,
        Retries: BigInt(view.retries),
        ToUpgrade: view.isUpgrading,
        ReplicaUpdateMessage: view.updateMessage,
        LastErr: view.lastError,
        Log: view.log.map(({ kind, time, message }) => ({
          Kind: kind,
          Timestamp: BigInt(time),
          Trace: "",
          Message: message,
        })),
        SealProof: view.sealProof,
        ...(showOnChainInfo ? await onChain(node, miner, Number(number)) : NOT_ON_CHAIN),
        TicketExpires: view.deadlines.ticketExpires,
        CommitDue: view.deadlines.commitDue,
        ...(showOnChainInfo ? await standing(node, miner, Number(number)) : NO_STANDING),
      };
    },
  }),
  SectorMarkForUpgrade: method({
    summary:
      "Marks a sector without data: the next deal that fits goes into it without sealing it anew (FIP-0019; from network version 16 on).",
    permission: "admin",
    params: [param("sector", sectorNumber), param("snap", fallback(boolean, true)), oneOf],
    result: nothing,
    cost: "execute",
    async run([number, snap, wanted], { node }) {
      if (!snap)
        throw new RpcError(
          RPC_CODE.untyped,
          "no sector is sealed in the place of another any more: mark it with snap, and it takes data as it is",
        );
      await serviceOf(node).markForUpgrade(await minerOf(node, wanted), Number(number));
      return null;
    },
  }),
  SectorAbortUpgrade: method({
    summary:
      "Takes back that a sector was marked, or its update as long as no message of it was sent: it is as before.",
    permission: "admin",
    params: [param("sector", sectorNumber), oneOf],
    result: nothing,
    cost: "execute",
    async run([number, wanted], { node }) {
      await serviceOf(node).abortUpgrade(await minerOf(node, wanted), Number(number));
      return null;
    },
  }),
  SectorRemove: method({
    summary: "Removes the files of a sector, whatever the chain says of it; its number is never used again.",
    permission: "admin",
    params: [param("sector", sectorNumber), oneOf],
    result: nothing,
    cost: "execute",
    async run([number, wanted], { node }) {
      await serviceOf(node).remove(await minerOf(node, wanted), Number(number));
      return null;
    },
  }),
  CheckProvable: method({
    summary:
      "Which of a miner's sectors are not as their commitments say, by number, and why; with `expensive` all of their files is read.",
    // As the reference has it: the work is the miner's own.
    permission: "admin",
    params: [
      param("proofType", fallback(integer(0, 14), 0)),
      param(
        "sectors",
        list(object("SectorRef", { ID: sectorId, ProofType: fallback(integer(0, 14), 0) }), MAX_CHECKED),
      ),
      param("expensive", fallback(boolean, false)),
    ],
    result: record(text(), MAX_CHECKED),
    // As long as the disks take; it ends with its caller.
    cost: "wait",
    async run([, refs, expensive], { node, signal }) {
      const bad: Record<string, string> = {};
      const byMiner = new Map<bigint, number[]>();
      for (const { ID } of refs) byMiner.set(ID.Miner, [...(byMiner.get(ID.Miner) ?? []), Number(ID.Number)]);
      for (const [id, numbers] of byMiner) {
        const miner = await minerOf(node, Address.id(id));
        for (const [number, why] of await serviceOf(node).check(miner, numbers, expensive, signal)) bad[number] = why;
      }
      return bad;
    },
  }),
});

const USUAL_TERMS = { Allocation: null, EndEpoch: null, KeepUnsealed: true, Seal: true } as const;

const sectorStep = object("SectorStep", {
  Miner: address,
  Number: sectorNumber,
  State: text(),
  Kind: text(20),
  About: text(),
  Since: integer(0, Number.MAX_SAFE_INTEGER),
  Steps: integer(0, MANY),
  Error: text(),
});

const stepJson = ({ miner, number, state, kind, about, since, steps, error }: SectorStep) => ({
  Miner: miner,
  Number: BigInt(number),
  ...{ State: state, Kind: kind, About: about, Since: since, Steps: steps, Error: error },
});

const sectorSummary = object("SectorSummary", {
  Number: sectorNumber,
  State: text(),
  Chain: choice("absent", "unproven", "healthy", "faulty", "recovering", "terminated"),
  Held: boolean,
  CountsFrom: nullable(anyEpoch),
  KeptUntil: nullable(anyEpoch),
});

const ownMethods = {
  SectorAddPiece: method({
    summary:
      "Puts a file into a sector as data without a deal, which claims an allocation or none (FIP-0076; from network version 22 on), and gives its place; `Seal`: the sector is sealed at once, however empty.",
    // Any file that the node can read.
    permission: "admin",
    params: [
      param("path", filePath),
      param(
        "terms",
        fallback(
          nullable(
            object("PieceTerms", {
              Allocation: fallback(nullable(allocationKey), null),
              EndEpoch: fallback(nullable(epoch), null),
              KeepUnsealed: fallback(boolean, true),
              Seal: fallback(boolean, true),
            }),
          ),
          null,
        ),
      ),
      oneOf,
    ],
    result: object("PlacedPiece", {
      Sector: sectorId,
      Offset: uint64,
      Piece: object("PieceInfo", { Size: uint64, PieceCID: link }),
    }),
    cost: "wait",
    async run([path, terms, wanted], { node }) {
      const miner = await minerOf(node, wanted);
      const size = await sizeOf(path);
      const { Allocation: key, EndEpoch: endEpoch, KeepUnsealed: keepUnsealed, Seal: seals } = terms ?? USUAL_TERMS;
      const allocation = key === null ? null : { client: key.Client, id: key.ID };
      const placed = await serviceOf(node).addPiece(miner, {
        ...{ bytes: contents(path, size), size, allocation, endEpoch, keepUnsealed, seals },
      });
      return {
        Sector: { Miner: miner.actorId as bigint, Number: BigInt(placed.sector) },
        Offset: BigInt(placed.offset),
        Piece: { Size: BigInt(placed.size), PieceCID: placed.cid },
      };
    },
  }),
  SectorsOverview: method({
    summary:
      "All sectors of a miner that are known here or that the chain has, at one moment: their states here (empty: not known), what the chain says, whether there are files to prove them by, of those that recover the epoch of the proof with which they count again, and of those that have ended the epoch until which their files are kept for elections.",
    params: [oneOf],
    result: list(sectorSummary, MANY),
    cost: "walk",
    async run([wanted], { node }) {
      const all = await serviceOf(node).overview(await minerOf(node, wanted));
      return all.map(({ number, state, chain, isHeld, countsFrom, keptUntil }) => ({
        ...{ Number: BigInt(number), State: state, Chain: chain, Held: isHeld, CountsFrom: countsFrom },
        KeptUntil: keptUntil,
      }));
    },
  }),
  StorageAway: method({
    summary:
      "Folders of sectors that cannot be used now, by their paths, and why; each is looked for again, and taken up when it is there.",
    permission: "admin",
    result: list(object("AwayFolder", { Path: text(4096), Why: text() }), MAX_FOLDERS),
    cost: "walk",
    run: async (_, { node }) =>
      (await serviceOf(node).awayFolders()).map(({ path, why }) => ({ Path: path, Why: why })),
  }),
  SectorsSub: subscription({
    summary:
      "Steps of sectors on their way: first where each of them is, then every step as it is made; times in milliseconds.",
    result: list(sectorStep, MANY),
    run: (_, { node }) => {
      const service = serviceOf(node);
      return (emit) => {
        emit(service.steps().map(stepJson));
        return service.watch((step) => emit([stepJson(step)]));
      };
    },
  }),
} as const;

export const ownSectorsGroup: Group<typeof ownMethods> & { readonly prefix: "Filigree." } = {
  title: "Sectors: steps",
  summary: "What the reference's miner interface has no words for.",
  prefix: "Filigree.",
  versions: API_VERSIONS,
  methods: ownMethods,
};
