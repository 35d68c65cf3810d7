/** Filecoin.State*: storage miners, their power and their sectors. */
import { countsForConsensus, WINDOW_POST } from "../../params/proving.ts";
import { miner as minerSchema } from "../../schema/actors/miner.ts";
import { publishedMiner } from "../../schema/published/miner.ts";
import { isMiner, noMiner } from "../../state/actor-kind.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { Address } from "../../types/address.ts";
import { hasBit } from "../../types/bit-runs.ts";
import type { Json } from "../../types/schema-codec.ts";
import { POWER } from "../../types/singletons.ts";
import { address, amount, bitfieldRuns, sectorNumber, shape, type TipsetKey, tipsetKey } from "../codec/chain-types.ts";
import { boolean, type Codec, list, nullable, object, spelt } from "../codec/codec.ts";
import { stateJson } from "../codec/state-types.ts";
import { badParams } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { idAt, orNotFound, viewAt } from "../view.ts";
import { MANY, minerInfo, minerInfoSchema } from "./miner-shapes.ts";

/** The state of one actor after a tipset, field by field. */
export async function openActor(node: NodeServices, one: Address, key: TipsetKey): Promise<ObjectReader> {
  const view = await viewAt(node, key);
  return ObjectReader.open(node.chain.blocks, await orNotFound(view.requireActor(one)), node.network.prefix);
}

/** The same of a storage miner; whoever names another actor is told what it is. */
export async function openMiner(node: NodeServices, one: Address, key: TipsetKey): Promise<ObjectReader> {
  const { prefix } = node.network;
  const entry = await orNotFound((await viewAt(node, key)).requireActor(one));
  if (!isMiner(entry)) return badParams(`miner: ${noMiner(one.toString(prefix), entry)}`);
  return ObjectReader.open(node.chain.blocks, entry, prefix);
}

const integers = { type: "integer" };
const deadline = spelt<JsonObject>(
  shape(
    "DeadlineInfo",
    Object.fromEntries(
      [
        ...["CurrentEpoch", "PeriodStart", "Index", "Open", "Close", "Challenge", "FaultCutoff"],
        ...["WPoStPeriodDeadlines", "WPoStProvingPeriod", "WPoStChallengeWindow", "WPoStChallengeLookback"],
        "FaultDeclarationCutoff",
      ].map((name) => [name, integers]),
    ),
  ),
);
const claim = object("Claim", { RawBytePower: amount, QualityAdjPower: amount });
export const sectorInfo: Codec<Json, Json> = stateJson("SectorOnChainInfo", minerSchema.module, publishedMiner.module);

export const minerStateGroup = group("State: miners", "Storage miners, their power and their sectors.", {
  StateListMiners: method({
    summary: "ID addresses of all storage miners.",
    params: [param("tipsetKey", tipsetKey)],
    result: list(address, MANY),
    cost: "walk",
    async run([key], { node, signal }) {
      const breath = breather(signal);
      const out: Address[] = [];
      for await (const [one] of (await openActor(node, POWER, key)).entries("Claims")) {
        await breath();
        out.push(Address.fromBytes(one));
      }
      return out;
    },
  }),
  StateMinerInfo: method({
    summary: "A miner's owner, worker, peer and sector size.",
    params: [param("miner", address), param("tipsetKey", tipsetKey)],
    result: spelt<JsonObject>(minerInfoSchema),
    run: async ([one, key], { node }) =>
      minerInfo((await (await openMiner(node, one, key)).object("Info")) as JsonObject),
  }),
  StateMinerPower: method({
    summary: "A miner's power, that of all, and whether the miner's counts for consensus.",
    params: [param("miner", address), param("tipsetKey", tipsetKey)],
    result: object("MinerPower", { MinerPower: claim, TotalPower: claim, HasMinPower: boolean }),
    async run([one, key], { node }) {
      const power = await openActor(node, POWER, key);
      const own = (await power.element("Claims", (await idAt(node, one, key)).bytes)) as JsonObject | null;
      const raw = BigInt((own?.["RawBytePower"] ?? "0") as string);
      const least = node.network.consensusMinerMinPower;
      return {
        MinerPower: { RawBytePower: raw, QualityAdjPower: BigInt((own?.["QualityAdjPower"] ?? "0") as string) },
        TotalPower: {
          RawBytePower: BigInt(power.field("TotalRawBytePower") as string),
          QualityAdjPower: BigInt(power.field("TotalQualityAdjPower") as string),
        },
        HasMinPower: countsForConsensus(raw, least, BigInt(power.field("MinerAboveMinPowerCount") as number)),
      };
    },
  }),
  StateMinerProvingDeadline: method({
    summary: "The deadline at which a miner proves its sectors now, and its clock.",
    params: [param("miner", address), param("tipsetKey", tipsetKey)],
    result: deadline,
    async run([one, key], { node }) {
      const state = await openMiner(node, one, key);
      const { height } = await node.chain.tipset(key);
      const [start, index] = [state.field("ProvingPeriodStart"), state.field("CurrentDeadline")];
      return deadlineInfo(height, start as number, index as number);
    },
  }),
  StateMinerSectors: method({
    summary: "A miner's proven sectors, all or those of a bitfield.",
    params: [param("miner", address), param("sectors", nullable(bitfieldRuns)), param("tipsetKey", tipsetKey)],
    result: list(sectorInfo, MANY),
    cost: "walk",
    async run([one, wanted, key], { node, signal }) {
      const breath = breather(signal);
      const out: Json[] = [];
      for await (const [number, sector] of (await openMiner(node, one, key)).elements("Sectors")) {
        await breath();
        if (wanted === null || hasBit(wanted, number)) out.push(sector);
      }
      return out;
    },
  }),
  StateSectorGetInfo: method({
    summary: "A proven sector; null if there is none of this number.",
    params: [param("miner", address), param("sector", sectorNumber), param("tipsetKey", tipsetKey)],
    result: nullable(sectorInfo),
    run: async ([one, number, key], { node }) => (await openMiner(node, one, key)).element("Sectors", number),
  }),
});

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
