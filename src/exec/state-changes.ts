/**
 * How the states of actors change between two versions of the published actors, where more than their code does: to v9 (data cap as a
 * token, `data-cap-upgrade.ts`), v10 (the first account of Ethereum's, `ethereum-upgrade.ts`), v11 (FIP-0061, types
 * of window PoSts), v12 (a sector's epochs, FIP-0070), v13 (deals by their sectors, FIP-0076), v15 (ramp of the pledge, FIP-0081) and v16
 * (deadlines with power and fees, FIP-0100; vesting in the miner's own state; contracts' transient storage, FIP-0097).
 * States are read as DAG-CBOR data and written again: what does not change keeps its bytes.
 *
 * Source: go-state-types 8b01cf99da27 builtin/v9, v10, v11, v12, v13, v15 and v16 migration; lotus at b835fab702eb
 * build/buildconstants/params_2k.go for the length of the ramp of a local network.
 */
import { bigToBytes, bytesToBig } from "../types/amount.ts";
import { dataCapActor, toV9 } from "./data-cap-upgrade.ts";
import { eachDeadline } from "./deadlines.ts";
import { ethereumActors, withZeroAddress } from "./ethereum-upgrade.ts";
import { linkIn } from "./state-blocks.ts";
import { type AddedActors, type ChangesOf, changed, type Tuple } from "./state-change.ts";

const RAMP_EPOCHS = 200;
/** Types of window PoSts before and after FIP-0061, by the least. */
const WINDOW_POST = { first: 5, last: 9, later: 5 } as const;
/** Bit of a sector's flags: its power is reckoned after FIP-0045. */
const SIMPLE_QA_POWER = 1;
/** Of v8 to v18, places in tuples. */
const POWER = { rampStart: 11, claims: 13 } as const;
const MINER = { info: 0, vesting: 3, sectors: 9 } as const;
const INFO = { windowPost: 6 } as const;
const SECTOR = { deals: 3, activation: 4, expiration: 5, replacedAge: 11, key: 13, flags: 14 } as const;
const DEADLINE = { partitions: 0, snapshot: 8 } as const;
const PARTITION = { livePower: 7 } as const;
const MARKET = { proposals: 0, states: 1 } as const;
const PROPOSAL = { end: 7 } as const;
const NONE = new Uint8Array(0);

const toV10: ChangesOf = (blocks) => ({ init: (state) => withZeroAddress(blocks, state) });

const toV11: ChangesOf = (blocks) => {
  const later = (type: unknown): number => {
    const known = Number(type);
    if (known < WINDOW_POST.first || known > WINDOW_POST.last)
      throw new RangeError(`a window PoSt of type ${known} has no later one`);
    return known + WINDOW_POST.later;
  };
  return {
    async storageminer(state) {
      const info = await blocks.tuple(linkIn(state[MINER.info]));
      const next = changed(info, { [INFO.windowPost]: later(info[INFO.windowPost]) });
      return changed(state, { [MINER.info]: blocks.put(next) });
    },
    async storagepower(state) {
      const claims = await blocks.changedMap(linkIn(state[POWER.claims]), (claim) =>
        changed(claim, { 0: later(claim[0]) }),
      );
      return changed(state, { [POWER.claims]: claims });
    },
  };
};

const toV12: ChangesOf = (blocks) => {
  // A sector that got its data later began with its replica; its power's own epoch stands where that one's age did.
  const sector = (old: Tuple): Tuple => {
    const activation = Number(old[SECTOR.activation]);
    const isUpdated = old[SECTOR.key] !== null;
    return changed(old, {
      [SECTOR.activation]: isUpdated ? activation - Number(old[SECTOR.replacedAge]) : activation,
      [SECTOR.replacedAge]: activation,
      [SECTOR.flags]: old[SECTOR.flags] === true ? SIMPLE_QA_POWER : 0,
    });
  };
  const sectors = (root: unknown) => blocks.changedArray(linkIn(root), (_, old) => sector(old as Tuple));
  return {
    async storageminer(state) {
      const deadlines = await eachDeadline(blocks, state, async (old) =>
        changed(old, { [DEADLINE.snapshot]: await sectors(old[DEADLINE.snapshot]) }),
      );
      return changed(state, { [MINER.sectors]: await sectors(state[MINER.sectors]), ...deadlines });
    },
  };
};

const toV13: ChangesOf = (blocks, epoch) => {
  const sectorOf = new Map<number, number>();
  const providers = new Map<bigint, unknown>();
  return {
    async storageminer(state, actor) {
      const sectors = new Map<bigint, unknown>();
      for await (const [number, value] of blocks.array(linkIn(state[MINER.sectors]))) {
        const sector = value as Tuple;
        const deals = (sector[SECTOR.deals] ?? []) as readonly number[];
        if (deals.length === 0 || Number(sector[SECTOR.expiration]) < epoch) continue;
        for (const deal of deals) sectorOf.set(Number(deal), Number(number));
        sectors.set(number, deals);
      }
      if (sectors.size > 0) providers.set(actor, blocks.numbered(sectors));
      return state;
    },
    async storagemarket(state) {
      const proposals = linkIn(state[MARKET.proposals]);
      const states = await blocks.changedArray(linkIn(state[MARKET.states]), async (id, old) => {
        const [start, updated, slashed] = old as Tuple;
        const proposal = (await blocks.element(proposals, id)) as Tuple | undefined;
        if (proposal === undefined) throw new RangeError(`deal ${id} has a state and no proposal`);
        const isOpen = slashed === -1 && Number(proposal[PROPOSAL.end]) >= epoch;
        return [isOpen ? (sectorOf.get(Number(id)) ?? 0) : 0, start, updated, slashed];
      });
      return [...changed(state, { [MARKET.states]: states }), blocks.numbered(providers)];
    },
  };
};

const toV15: ChangesOf = (_, epoch) => ({
  storagepower: (state) => [...state.slice(0, POWER.rampStart), epoch, RAMP_EPOCHS, ...state.slice(POWER.rampStart)],
});

const toV16: ChangesOf = (blocks) => ({
  evm: ([bytecode, hash, storage, nonce, tombstone]) => [bytecode, hash, storage, null, nonce, tombstone],
  async storageminer(state) {
    const [funds] = (await blocks.tuple(linkIn(state[MINER.vesting]))) as [readonly unknown[]];
    const [head, ...tail] = funds;
    const vesting = head === undefined ? null : [head, blocks.put(tail)];
    const deadlines = await eachDeadline(blocks, state, async (old) => {
      const live: [bigint, bigint] = [0n, 0n];
      for await (const [, partition] of blocks.array(linkIn(old[DEADLINE.partitions]))) {
        const [raw, quality] = (partition as Tuple)[PARTITION.livePower] as [Uint8Array, Uint8Array];
        live[0] += bytesToBig(raw);
        live[1] += bytesToBig(quality);
      }
      return [...old, live.map(bigToBytes), NONE];
    });
    return changed(state, { [MINER.vesting]: vesting, ...deadlines });
  },
});

/** By the actors version that is upgraded to. */
export const STATE_CHANGES: Readonly<Record<number, ChangesOf>> = {
  9: toV9,
  10: toV10,
  11: toV11,
  12: toV12,
  13: toV13,
  15: toV15,
  16: toV16,
};

/** By the actors version that brings them. */
export const ADDED_ACTORS: Readonly<Record<number, AddedActors>> = { 9: dataCapActor, 10: ethereumActors };
