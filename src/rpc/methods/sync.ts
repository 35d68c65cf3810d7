/** Filecoin.Sync*: what is accepted as part of the chain. Filecoin.MinerGetBaseInfo: what stands in front of a new block. */
import { MARKED_BY_OPERATOR } from "../../chain/bad-blocks.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import { isMiner, noMiner } from "../../state/actor-kind.ts";
import type { BeaconEntry } from "../../types/block-header.ts";
import { address, amount, epoch, link, tipsetKey, uint64 } from "../codec/chain-types.ts";
import { boolean, integer, list, nothing, nullable, object, text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param } from "../method.ts";
import { idAt, orNotFound, viewAt } from "../view.ts";
import { beaconEntry } from "./supply.ts";

const block = param("block", link);

export const syncGroup = group("Sync", "What is accepted as part of the chain.", {
  SyncCheckpoint: method({
    summary: "Makes a tipset of the head's chain the checkpoint: the head never moves below it.",
    permission: "admin",
    params: [param("tipsetKey", tipsetKey)],
    result: nothing,
    async run([key], { node }) {
      await node.chain.setCheckpoint(await node.chain.tipset(key));
      return null;
    },
  }),
  SyncMarkBad: method({
    summary: "Marks a block as bad: it is not taken into the head's chain, and blocks on top of it do not validate.",
    permission: "admin",
    params: [block],
    result: nothing,
    async run([cid], { node }) {
      await node.chain.bad.mark(cid, MARKED_BY_OPERATOR);
      return null;
    },
  }),
  SyncUnmarkBad: method({
    summary: "Forgets that a block is bad.",
    permission: "admin",
    params: [block],
    result: nothing,
    async run([cid], { node }) {
      await node.chain.bad.unmark([cid]);
      return null;
    },
  }),
  SyncUnmarkAllBad: method({
    summary: "Forgets all blocks that are bad.",
    permission: "admin",
    result: nothing,
    async run(_, { node }) {
      await node.chain.bad.unmark();
      return null;
    },
  }),
  SyncCheckBad: method({
    summary: "Why a block is marked as bad; an empty text if it is not.",
    params: [block],
    result: text(),
    run: ([cid], { node }) => node.chain.bad.reasonOf(cid) ?? "",
  }),
  SyncValidateTipset: method({
    summary: "Validates every block of a tipset by all rules of consensus; the error says which one is broken.",
    params: [param("tipsetKey", tipsetKey)],
    result: boolean,
    cost: "execute",
    async run([key], { node, signal }) {
      const tipset = await node.chain.tipset(key);
      if (node.validateBlock === undefined)
        throw new RpcError(
          RPC_CODE.untyped,
          "the blocks of this network are made without elections: nobody validates them",
        );
      // The genesis is what the others are measured by.
      for (const header of tipset.height === 0 ? [] : tipset.blocks) {
        signal.throwIfAborted();
        await node.validateBlock(header);
      }
      return true;
    },
  }),
});

const sectorInfo = object("ExtendedSectorInfo", {
  SealProof: integer(0, 1000),
  SectorNumber: uint64,
  SectorKey: nullable(link),
  SealedCID: link,
});
const baseInfo = object("MiningBaseInfo", {
  MinerPower: amount,
  NetworkPower: amount,
  Sectors: list(sectorInfo, 100),
  WorkerKey: address,
  SectorSize: uint64,
  PrevBeaconEntry: beaconEntry,
  BeaconEntries: list(beaconEntry, 10_000),
  EligibleForMining: boolean,
});

const entryOf = ({ round, data }: BeaconEntry) => ({ Round: Number(round), Data: data });

export const miningGroup = group("Mining", "What a miner must know to make a block.", {
  MinerGetBaseInfo: method({
    summary:
      "What a miner must know to try for a block of an epoch on top of a tipset; null where it has nothing to prove.",
    params: [param("miner", address), param("epoch", epoch), param("tipsetKey", tipsetKey)],
    result: nullable(baseInfo),
    cost: "walk",
    async run([miner, height, key], { node, signal }) {
      const base = await node.chain.tipset(key);
      if (height <= base.height || height > base.height + CHAIN_LIMITS.finality)
        badParams(
          `epoch: one of the ${CHAIN_LIMITS.finality} after the tipset's (${base.height}) expected, got ${height}`,
        );
      const id = await idAt(node, miner, key);
      const entry = await orNotFound((await viewAt(node, key)).requireActor(id));
      if (!isMiner(entry)) badParams(`miner: ${noMiner(miner.toString(node.network.prefix), entry)}`);
      const found = (await node.miningBase?.(id, height, base, signal)) ?? null;
      if (found === null) return null;
      return {
        MinerPower: found.minerPower,
        NetworkPower: found.networkPower,
        Sectors: found.sectors.map(({ sealProof, number, sealedCid }) => ({
          SealProof: sealProof,
          SectorNumber: number,
          SectorKey: null,
          SealedCID: sealedCid,
        })),
        WorkerKey: found.worker,
        SectorSize: found.sectorSize,
        PrevBeaconEntry: entryOf(found.previousEntry),
        BeaconEntries: found.entries.map(entryOf),
        EligibleForMining: found.notEligible === null,
      };
    },
  }),
});
