/** The chain as the sealing of sectors sees it, over what a miner's software has in common (`chain-side/`). */
import { DRAW_TAG, minerEntropy } from "../../consensus/draws.ts";
import { WINDOW_POST } from "../../params/proving.ts";
import { findVersion } from "../../schema/versions/rows.ts";
import { pieceCidV1 } from "../../sector/piece/cid.ts";
import type { Partition } from "../../state/miner-sectors.ts";
import { signedMessageCid } from "../../types/message.ts";
import type { ActivatedPiece, MinerCall, MinerMessages } from "../chain-side/calls.ts";
import type { DeadlineSectors, MinerChain } from "../chain-side/chain.ts";
import { MinerError } from "../chain-side/errors.ts";
import { minerMessages } from "../chain-side/messages.ts";
import { DEAL_IDS_UNTIL, PIECES_SINCE } from "../chain-side/published-messages.ts";
import { nextClock } from "../chain-side/state-json.ts";
import type { MessageTracker } from "../chain-side/tracker.ts";
import type { Condition, SealingChain } from "./chain.ts";
import { StepFailure } from "./errors.ts";
import type { SectorPiece } from "./record.ts";

/** Intentions of sealing among a miner's others. */
const PREFIX = "sealing/";

/** First actors version whose verified deals have allocations. */
const ALLOCATED_SINCE = 9;

/** Epochs within which a message is executed that is sent now: the sector must still be free to change then. */
const UPDATE_MARGIN = 10;

type Place = { readonly deadline: number; readonly partition: Partition };

/**
 * `chain` and `tracker` are of one miner. Deposit and pledge are taken from what the miner has free; whoever sends the
 * message adds what that lacks.
 */
export function sealingChain(chain: MinerChain, tracker: MessageTracker): SealingChain {
  const entropy = minerEntropy(chain.miner);
  /** Deadlines of sectors: once given, they stay. */
  const known = new Map<number, number>();

  const messages = async (): Promise<MinerMessages> =>
    minerMessages(chain.miner, (await chain.head()).networkVersion, chain.prefix);
  const send = async (key: string, call: MinerCall): Promise<string> => {
    try {
      return (await tracker.send(PREFIX + key, call)).toString();
    } catch (error) {
      if (error instanceof MinerError && error.code === "REFUSED")
        throw new StepFailure({ code: "MESSAGE" }, error.message, { cause: error });
      throw error;
    }
  };
  const lacking = async (wanted: bigint): Promise<bigint> => {
    const { available } = await chain.money();
    const free = available > 0n ? available : 0n;
    return wanted > free ? wanted - free : 0n;
  };

  async function look(deadline: number, found: Map<number, Place>): Promise<void> {
    note(deadline, await chain.sectorsDue(deadline), found);
  }

  function note(deadline: number, { partitions }: DeadlineSectors, found: Map<number, Place>): void {
    for (const partition of partitions)
      for (const sector of partition.sectors) {
        known.set(sector, deadline);
        found.set(sector, { deadline, partition });
      }
  }

  async function places(sectors: readonly number[]): Promise<Map<number, Place>> {
    const found = new Map<number, Place>();
    for (const deadline of new Set(sectors.flatMap((sector) => known.get(sector) ?? []))) await look(deadline, found);
    for (const sector of sectors) {
      if (found.has(sector)) continue;
      const deadline = await chain.deadlineOf(sector);
      if (deadline !== null) await look(deadline, found);
    }
    return found;
  }

  /** Pieces as the sector's proof names them. */
  async function activated(pieces: readonly SectorPiece[]): Promise<readonly ActivatedPiece[]> {
    const found: ActivatedPiece[] = [];
    for (const { commP, paddedSize, deal } of pieces) {
      const dealId = deal === null || deal.id === null ? null : BigInt(deal.id);
      const own = deal?.allocation;
      const allocation =
        dealId === null
          ? own === undefined
            ? null
            : { client: BigInt(own.client), id: BigInt(own.id) }
          : await chain.dealAllocation(dealId);
      found.push({ pieceCid: pieceCidV1(commP), size: BigInt(paddedSize), dealId, allocation });
    }
    return found;
  }

  return {
    async head() {
      const { height, networkVersion } = await chain.head();
      return { epoch: height, networkVersion };
    },
    onHeadChange: (listener) => chain.onHeadChange(listener),
    need: (epoch) => chain.need(epoch),
    firstEpochOf: (networkVersion) => chain.firstEpochOf(networkVersion),
    ticket: async (epoch) => chain.randomness("ticket", DRAW_TAG.seal, epoch, entropy, await chain.head()),
    seed: async (epoch) => chain.randomness("beacon", DRAW_TAG.sealChallenge, epoch, entropy, await chain.head()),
    async preCommit(sector) {
      const found = await chain.preCommit(sector);
      if (found === null) return null;
      const { preCommitEpoch: epoch, sealedCid, deposit, expiration } = found;
      return { epoch, sealedCid, deposit, expiration };
    },
    sector: (sector) => chain.sector(sector),
    isAllocated: (sector) => chain.isAllocated(sector),
    async claimOf({ id, allocation }) {
      if (id === null) {
        if (allocation === undefined) return {};
        const name = { client: BigInt(allocation.client), id: BigInt(allocation.id) };
        const found = await chain.allocation(name);
        return { allocation: found ?? ((await chain.isClaimed(name.id)) ? "claimed" : null) };
      }
      const deal = await chain.deal(BigInt(id));
      const actors = findVersion((await chain.head()).networkVersion)?.actors ?? 0;
      if (deal === null || !deal.isVerified || actors < ALLOCATED_SINCE) return { deal };
      const key = await chain.dealAllocation(BigInt(id));
      return { deal, allocation: key === null ? null : await chain.allocation(key) };
    },
    async conditions(sectors) {
      const found = await places(sectors);
      return new Map(sectors.map((sector) => [sector, conditionOf(sector, found.get(sector))]));
    },
    async allConditions() {
      const found = new Map<number, Place>();
      for (const [deadline, due] of (await chain.allSectorsDue()).entries()) note(deadline, due, found);
      return new Map([...found].map(([sector, place]) => [sector, conditionOf(sector, place)]));
    },
    async nextProofs(sectors) {
      if (sectors.length === 0) return new Map();
      const [found, now] = await Promise.all([places(sectors), chain.deadline()]);
      return new Map(
        sectors.flatMap((sector) => {
          const place = found.get(sector);
          return place === undefined ? [] : [[sector, nextClock(now, place.deadline).open] as const];
        }),
      );
    },

    async mutableFrom(sector) {
      const place = (await places([sector])).get(sector);
      if (place === undefined) return null;
      const [{ height }, now] = await Promise.all([chain.head(), chain.deadline()]);
      const { open, close } = nextClock(now, place.deadline);
      const isMutable = height + UPDATE_MARGIN < open - WINDOW_POST.challengeWindow;
      return isMutable ? height + 1 : close;
    },

    async sent(key) {
      const found = await tracker.find(PREFIX + key);
      return found === null ? null : signedMessageCid(found.signed).toString();
    },
    async sendPreCommit(key, { proof, number, sealedCid, ticketEpoch, pieces, commD, expiration }) {
      const calls = await messages();
      const dealIds = calls.namesPieces ? [] : dealsOf(pieces);
      const terms = { sealProof: proof, dealIds, expiration };
      const value = await lacking(await chain.preCommitDeposit(terms));
      const unsealedCid = commD === null ? null : pieceCidV1(commD);
      const more = { number, sealedCid, sealRandEpoch: ticketEpoch, unsealedCid };
      return send(key, calls.preCommit({ ...terms, ...more }, value));
    },
    async sendProveCommit(key, sector, proof, pieces) {
      const found = await chain.preCommit(sector);
      const { deposit, dealIds, expiration } = found ?? gone(sector);
      const { sealProof } = await chain.facts();
      const calls = await messages();
      const { networkVersion } = await chain.head();
      if (dealIds.length > 0 && networkVersion >= DEAL_IDS_UNTIL)
        throw new StepFailure(
          { code: "DEPOSIT_LOST" },
          `its pre-commit names its deals, as before network version ${PIECES_SINCE}, and from ${DEAL_IDS_UNTIL} on no such sector can be proven: the deposit of ${deposit} attoFIL is lost`,
        );
      const named = calls.namesPieces && dealIds.length === 0 ? await activated(pieces) : [];
      const verified = named.reduce((sum, { allocation, size }) => (allocation === null ? sum : sum + size), 0n);
      const terms = { sealProof, dealIds, expiration, ...(verified > 0n ? { verifiedBytes: verified } : {}) };
      const pledge = await chain.initialPledge(terms);
      // The deposit is given back for the pledge.
      const value = pledge > deposit ? await lacking(pledge - deposit) : 0n;
      return send(key, calls.proveCommit(sector, proof, value, { dealIds, pieces: named }));
    },
    async sendUpdate(key, { number, proof, sealedCid, pieces, bytes }) {
      const [found, place] = [await chain.sector(number), (await places([number])).get(number)];
      if (found === null || place === undefined) return gone(number);
      const calls = await messages();
      const named = calls.namesPieces ? await activated(pieces) : [];
      const verified = named.reduce((sum, { allocation, size }) => (allocation === null ? sum : sum + size), 0n);
      const dealIds = calls.namesPieces ? [] : dealsOf(pieces);
      const terms = { sealProof: proof, dealIds, expiration: found.expiration };
      const pledge = await chain.initialPledge({ ...terms, ...(verified > 0n ? { verifiedBytes: verified } : {}) });
      // The pledge is the larger of the two.
      const value = pledge > found.initialPledge ? await lacking(pledge - found.initialPledge) : 0n;
      const where = { deadline: place.deadline, partition: place.partition.partition };
      const content = { dealIds, pieces: named };
      const update = { sector: number, ...where, sealProof: proof, sealedCid, proof: bytes, content };
      return send(key, calls.replicaUpdate(update, value));
    },
    async sendTermination(key, sector) {
      const place = (await places([sector])).get(sector) ?? gone(sector);
      const { deadline, partition } = place;
      const one = { deadline, partition: partition.partition, sectors: [sector] };
      return send(key, (await messages()).terminate([one]));
    },
    async executed(key, confidence, signal) {
      const { receipt, height } = await tracker.wait(PREFIX + key, confidence, signal);
      return { exitCode: Number(receipt.exitCode), epoch: height };
    },

    isIdle: () => tracker.isIdle,
  };
}

const dealsOf = (pieces: readonly SectorPiece[]): readonly bigint[] =>
  pieces.flatMap(({ deal }) => (deal === null || deal.id === null ? [] : [BigInt(deal.id)]));

function gone(sector: number): never {
  throw new StepFailure({ code: "MESSAGE" }, `sector ${sector} is no longer where it was on chain`);
}

function conditionOf(sector: number, place: Place | undefined): Condition {
  if (place === undefined) return "absent";
  const { terminated, recoveries, faults, unproven } = place.partition;
  if (terminated.includes(sector)) return "terminated";
  if (recoveries.includes(sector)) return "recovering";
  if (faults.includes(sector)) return "faulty";
  return unproven.includes(sector) ? "unproven" : "healthy";
}
