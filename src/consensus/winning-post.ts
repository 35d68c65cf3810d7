/**
 * The sectors that a winning PoSt must be about, and its verification.
 * Source: lotus chain/stmgr/actors.go (GetSectorsForWinningPoSt).
 */

import { BoundedMap } from "../base/bounded-map.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { type JsonObject, ObjectReader } from "../state/actor-reader.ts";
import { partitionsOf, without } from "../state/miner-sectors.ts";
import type { ActorEntry, StateView } from "../state/state-view.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";
import type { PoStProof } from "../types/block-header.ts";
import { type CID, cidKey, parseCid } from "../types/cid.ts";
import { blockError } from "./errors.ts";
import type { IncomingBlock } from "./header-checks.ts";

export type ChallengedSector = { readonly sealProof: number; readonly number: bigint; readonly sealedCid: CID };

/** A winning PoSt as it is verified. */
export type WinningPostStatement = {
  /** Actor id of the miner. */
  readonly prover: bigint;
  /** 32 bytes, as drawn. */
  readonly randomness: Uint8Array;
  readonly sectors: readonly ChallengedSector[];
  readonly proofs: readonly PoStProof[];
};

/**
 * What a network does about winning PoSt. `verified`: the proof was checked. `declared`: the network's policy says that
 * it is taken without a check (there is no key at hand); counted apart and shown.
 */
export type PostVerdict = "verified" | "declared" | "wrong";
export type VerifyWinningPost = (statement: WinningPostStatement) => Promise<PostVerdict>;

export async function checkWinningPost(
  { header, cid, prefix }: IncomingBlock,
  statement: WinningPostStatement,
  verify: VerifyWinningPost,
): Promise<Exclude<PostVerdict, "wrong">> {
  if (statement.sectors.length === 0)
    throw blockError("WINNING_POST", cid, `miner ${header.miner.toString(prefix)} has nothing to prove`);
  const verdict = await verify(statement);
  if (verdict === "wrong") throw blockError("WINNING_POST", cid, "the winning PoSt does not verify");
  return verdict;
}

/** Draws the index of the challenged sector; see `winningSector` of `src/sector/challenges.ts`. */
export type PickSector = (prover: bigint, randomness: Uint8Array, count: number) => number;

/**
 * Sectors that a miner must prove to win, in the order of the proof; none where it has nothing to prove.
 * `view`: the lookback state. `networkVersion`: the parent's.
 */
export async function challengedSectors(
  blocks: BlockSource,
  view: StateView,
  miner: Address,
  randomness: Uint8Array,
  networkVersion: number,
  pick: PickSector,
): Promise<readonly ChallengedSector[]> {
  const entry = await view.actor(miner);
  if (entry === null) return [];
  const proving = await provingSectors(blocks, entry, chainRule("winningPostOfActive", networkVersion));
  if (proving.length === 0) return [];
  const number = proving[pick(miner.actorId as bigint, randomness, proving.length)] as number;
  const state = await ObjectReader.open(blocks, entry, "f");
  const sector = (await state.element("Sectors", BigInt(number))) as JsonObject | null;
  if (sector === null) return [];
  return [
    {
      sealProof: Number(sector["SealProof"]),
      number: BigInt(number),
      sealedCid: parseCid((sector["SealedCID"] as { "/": string })["/"]),
    },
  ];
}

/** Sector numbers kept of each source of blocks, by the state of their miner: every block of a round is held against it. */
const KEPT_SECTORS = 1 << 16;
const lists = new WeakMap<BlockSource, BoundedMap<string, readonly number[]>>();

/** Numbers of the sectors that a miner proves, ascending. `isActive`: of the active ones alone. */
async function provingSectors(blocks: BlockSource, entry: ActorEntry, isActive: boolean): Promise<readonly number[]> {
  const known =
    lists.get(blocks) ?? new BoundedMap<string, readonly number[]>(KEPT_SECTORS, ({ length }) => 1 + length);
  lists.set(blocks, known);
  const name = `${cidKey(entry.code)}/${cidKey(entry.head)}/${isActive}`;
  const kept = known.get(name);
  if (kept !== undefined) return kept;
  const proving: number[] = [];
  for await (const { sectors, faults, terminated, unproven } of partitionsOf(blocks, entry, "f"))
    proving.push(...(isActive ? without(sectors, faults, terminated, unproven) : without(sectors, faults)));
  proving.sort((a, b) => a - b);
  known.set(name, proving);
  return proving;
}
