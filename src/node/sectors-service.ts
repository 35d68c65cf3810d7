/** What the RPC interface asks about the sectors of a node's own miners. */
import type { Condition } from "../miner/sealing/chain.ts";
import type { SectorRecord } from "../miner/sealing/record.ts";
import { deadlinesOf } from "../miner/sealing/terms.ts";
import type { SectorsService, SectorView } from "../rpc/services.ts";
import { pieceCidV1, sealedCid } from "../sector/piece/cid.ts";
import type { Address } from "../types/address.ts";
import { parseCid } from "../types/cid.ts";
import type { SealingLine, SealingPart } from "./sealing-part.ts";

/** Sectors of the genesis have no record: their states are what the chain says. */
const STATES: Readonly<Record<Condition, string>> = {
  absent: "Removed",
  unproven: "Proving",
  healthy: "Proving",
  faulty: "Faulty",
  recovering: "Recovering",
  terminated: "Expiring",
};

export function sectorsService(part: SealingPart): SectorsService {
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
    async list(miner) {
      const own = line(miner);
      const others = ofGenesis(own);
      const conditions = await own.chain.conditions(others);
      return [
        ...own.machine.records.all().map(({ number, state }) => ({ number, state: state as string })),
        ...others.map((number) => ({ number, state: STATES[conditions.get(number) ?? "absent"] })),
      ].sort((a, b) => a.number - b.number);
    },
    async status(miner, number) {
      const own = line(miner);
      const { machine, chain } = own;
      if (machine.records.has(number)) {
        const { networkVersion } = await chain.head();
        const log = await machine.records.log(number);
        return viewOf(machine.records.get(number), networkVersion, log);
      }
      if (!ofGenesis(own).includes(number)) return null;
      const condition = (await chain.conditions([number])).get(number) ?? "absent";
      return { ...NOTHING, number, state: STATES[condition], commR: own.miner.sectors.get(number)?.sealedCid ?? null };
    },
  };
}

const NOTHING: SectorView = {
  ...{ number: 0, state: "", sealProof: 0, commD: null, commR: null, proof: new Uint8Array(0), pieces: [] },
  ...{ ticket: null, seed: null, preCommitMessage: null, commitMessage: null, retries: 0, lastError: "", log: [] },
  deadlines: { ticketExpires: null, commitDue: null },
};

type Log = Awaited<ReturnType<SealingLine["machine"]["records"]["log"]>>;

function viewOf(record: SectorRecord, networkVersion: number, log: Log): SectorView {
  const { number, state, proof, commD, sealed, porep, pieces, ticket, seed, failures, error } = record;
  const { restarts: _, ...counted } = failures;
  return {
    ...{ number, state, sealProof: proof, ticket, seed },
    commD: commD === null ? null : pieceCidV1(commD),
    commR: sealed === null ? null : sealedCid(sealed.commR),
    proof: porep ?? new Uint8Array(0),
    pieces: pieces.map(({ paddedSize, commP, deal }) => ({
      size: BigInt(paddedSize),
      cid: pieceCidV1(commP),
      deal: deal === null ? null : { id: BigInt(deal.id), startEpoch: deal.startEpoch, endEpoch: deal.endEpoch },
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
