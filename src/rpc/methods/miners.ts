/** Filecoin.State*: storage miners, their power and sectors, and the storage market. */

import { base58btc } from "multiformats/bases/base58";
import { fromBase64 } from "../../base/bytes.ts";
import { countsForConsensus, WINDOW_POST } from "../../params/proving.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { Address } from "../../types/address.ts";
import type { Json } from "../../types/schema-codec.ts";
import { addressAt, integerAt, keyAt } from "../arguments.ts";
import type { MethodTable, Params } from "../dispatcher.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import { read } from "./common.ts";
import { orNotFound, viewAt } from "./state.ts";

const POWER = Address.id(4);
const MARKET = Address.id(5);
/** Sector sizes that proofs are registered for. */
const SECTOR_SIZES = 5;
/** How JSON spells an address that is not there. */
const NO_ADDRESS = "<empty>";

export function minerMethods(node: NodeServices): MethodTable {
  const { letter } = node.network;
  const { blocks } = node.chain;
  const open = async (params: Params, keyIndex: number, address: Address): Promise<ObjectReader> => {
    const view = await viewAt(node, keyAt(params, keyIndex));
    return ObjectReader.open(blocks, await orNotFound(view.requireActor(address)), letter);
  };
  const miner = (params: Params, keyIndex = 1): Promise<ObjectReader> =>
    open(params, keyIndex, addressAt(params, 0, "miner"));
  const idOf = async (params: Params, keyIndex: number): Promise<Address> =>
    orNotFound((await viewAt(node, keyAt(params, keyIndex))).requireId(addressAt(params, 0, "address")));

  return {
    "Filecoin.StateListMiners": read(async (params) => {
      const out: string[] = [];
      for await (const [key] of (await open(params, 0, POWER)).entries("Claims"))
        out.push(Address.fromBytes(key).toString(letter));
      return out;
    }),
    "Filecoin.StateMinerInfo": read(async (params) => {
      const info = (await (await miner(params)).object("Info")) as JsonObject;
      return minerInfo(info);
    }),
    "Filecoin.StateMinerPower": read(async (params) => {
      const power = await open(params, 1, POWER);
      const claim = (await power.element("Claims", (await idOf(params, 1)).bytes)) as JsonObject | null;
      const raw = (claim?.["RawBytePower"] ?? "0") as string;
      return {
        MinerPower: { RawBytePower: raw, QualityAdjPower: claim?.["QualityAdjPower"] ?? "0" },
        TotalPower: {
          RawBytePower: power.field("TotalRawBytePower"),
          QualityAdjPower: power.field("TotalQualityAdjPower"),
        },
        HasMinPower: countsForConsensus(
          BigInt(raw),
          node.network.consensusMinerMinPower,
          BigInt(power.field("MinerAboveMinPowerCount") as number),
        ),
      };
    }),
    "Filecoin.StateMinerProvingDeadline": read(async (params) => {
      const state = await miner(params);
      const tipset = await node.chain.tipset(keyAt(params, 1));
      return deadlineInfo(
        tipset.height,
        state.field("ProvingPeriodStart") as number,
        state.field("CurrentDeadline") as number,
      );
    }),
    "Filecoin.StateMinerSectors": read(async (params) => {
      const wanted = Array.isArray(params[1]) ? (params[1] as unknown[]) : null;
      const out: Json[] = [];
      for await (const [number, sector] of (await miner(params, 2)).elements("Sectors"))
        if (wanted === null || inRuns(wanted, Number(number))) out.push(sector);
      return out;
    }),
    "Filecoin.StateSectorGetInfo": read(async (params) =>
      (await miner(params, 2)).element("Sectors", integerAt(params, 1, "sector number")),
    ),
    "Filecoin.StateMarketBalance": read(async (params) => {
      const market = await open(params, 1, MARKET);
      const id = await idOf(params, 1);
      return {
        Escrow: (await market.element("EscrowTable", id.bytes)) ?? "0",
        Locked: (await market.element("LockedTable", id.bytes)) ?? "0",
      };
    }),
    "Filecoin.StateMarketStorageDeal": read(async (params) => {
      const market = await open(params, 1, MARKET);
      const id = integerAt(params, 0, "deal id");
      const proposal = await market.element("Proposals", id);
      if (proposal === null) throw new RpcError(RPC_CODE.untyped, `deal ${id} not found`);
      return { Proposal: proposal, State: (await market.element("States", id)) ?? INACTIVE_DEAL };
    }),
    "Filecoin.StateMarketDeals": read(async (params) => {
      const market = await open(params, 0, MARKET);
      const out: Record<string, Json> = {};
      for await (const [id, proposal] of market.elements("Proposals"))
        out[`${id}`] = { Proposal: proposal, State: (await market.element("States", id)) ?? INACTIVE_DEAL };
      return out;
    }),
  };
}

const INACTIVE_DEAL: Json = { SectorStartEpoch: -1, LastUpdatedEpoch: -1, SlashEpoch: -1 };

/** The network's answer to StateMinerInfo from the state's own object. */
function minerInfo(info: JsonObject): JsonObject {
  const pending = info["PendingWorkerKey"] as JsonObject | null;
  const peer = info["PeerId"] as string | null;
  return {
    Owner: info["Owner"] ?? null,
    Worker: info["Worker"] ?? null,
    NewWorker: pending?.["NewWorker"] ?? NO_ADDRESS,
    ControlAddresses: info["ControlAddresses"] ?? null,
    WorkerChangeEpoch: pending?.["EffectiveAt"] ?? -1,
    PeerId: peer === null ? null : base58btc.baseEncode(fromBase64(peer)),
    Multiaddrs: info["Multiaddrs"] ?? null,
    // Registered window PoSt proofs follow the seal proofs' order of sector sizes from 5 on.
    WindowPoStProofType: ((info["SealProofType"] as number) % SECTOR_SIZES) + SECTOR_SIZES,
    SectorSize: info["SectorSize"] ?? null,
    WindowPoStPartitionSectors: info["WindowPoStPartitionSectors"] ?? null,
    ConsensusFaultElapsed: info["ConsensusFaultElapsed"] ?? -1,
    PendingOwnerAddress: info["PendingOwnerAddress"] ?? null,
    // Beneficiaries came with actors v9: before, there is none.
    Beneficiary: NO_ADDRESS,
    BeneficiaryTerm: { Quota: "0", UsedQuota: "0", Expiration: 0 },
    PendingBeneficiaryTerm: null,
  };
}

function deadlineInfo(epoch: number, periodStart: number, index: number): JsonObject {
  const { provingPeriod, challengeWindow, challengeLookback, faultDeclarationCutoff } = WINDOW_POST;
  const open = periodStart + index * challengeWindow;
  return {
    CurrentEpoch: epoch,
    PeriodStart: periodStart,
    Index: index,
    Open: open,
    Close: open + challengeWindow,
    Challenge: open - challengeLookback,
    FaultCutoff: open - faultDeclarationCutoff,
    WPoStPeriodDeadlines: provingPeriod / challengeWindow,
    WPoStProvingPeriod: provingPeriod,
    WPoStChallengeWindow: challengeWindow,
    WPoStChallengeLookback: challengeLookback,
    FaultDeclarationCutoff: faultDeclarationCutoff,
  };
}

/** Whether bit `number` is set in JSON run lengths (zeros first). */
function inRuns(runs: readonly unknown[], number: number): boolean {
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    at += typeof runs[i] === "number" ? (runs[i] as number) : 0;
    if (number < at) return i % 2 === 1;
  }
  return false;
}
