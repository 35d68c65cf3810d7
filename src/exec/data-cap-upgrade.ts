/**
 * The upgrade to actors v9: data cap becomes a token of an actor of its own (f07, FIP-0045), of which what verified deals that wait for their
 * sectors take is held by the verified registry as allocations, told to the market; miners get beneficiaries (FIP-0029), their sectors a mark
 * of how power is reckoned (FIP-0045), and sectors that were pre-committed the commitment of their data (FIP-0034).
 *
 * Source: go-state-types v0.9.9 and v0.18.0 builtin/v9/migration, verifreg/policy.go, market/policy.go, datacap/datacap_types.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { sectorSizeOf } from "../params/proving.ts";
import { bytesOfCidV1, pieceCidV1 } from "../sector/piece/cid.ts";
import { Address } from "../types/address.ts";
import { bigToBytes, bytesToBig } from "../types/amount.ts";
import { type CID, cidOfBlock } from "../types/cid.ts";
import { DATACAP, INIT, MARKET, VERIFIED_REGISTRY } from "../types/singletons.ts";
import { eachDeadline } from "./deadlines.ts";
import { piecesCommitment } from "./pieces-commitment.ts";
import { linkIn, type StateBlocks } from "./state-blocks.ts";
import { type AddedActors, type ChangesOf, changed, newActor, type StateBefore, type Tuple } from "./state-change.ts";

/** Places in tuples of v8. */
const AT = {
  miner: { info: 0, preCommitted: 6, sectors: 9 },
  info: { owner: 0 },
  preCommit: { info: 0, deposit: 1, epoch: 2 },
  sectorInfo: { sealProof: 0, deals: 4, kept: 6 },
  sector: { dealWeight: 6, verifiedWeight: 7 },
  deadline: { snapshot: 8 },
  market: { proposals: 0, states: 1, pending: 2 },
  proposal: { piece: 0, size: 1, verified: 2, client: 3, provider: 4, start: 6, end: 7 },
  registry: { root: 0, verifiers: 1, clients: 2, removals: 3 },
  init: { map: 0 },
} as const;

const EPOCHS_IN_DAY = 2880;
const ALLOCATION_EPOCHS = 60 * EPOCHS_IN_DAY;
const DEAL_EPOCHS = 540 * EPOCHS_IN_DAY;
/** A byte of data cap in the token's units. */
const A_BYTE = 10n ** 18n;
/** What the market may spend of every client. */
const UNLIMITED = 10n ** 21n * A_BYTE;
const MAP_WIDTH = 5;
const NO_CLAIM = 0;
const NONE = new Uint8Array(0);

type Allocation = { readonly deal: bigint; readonly proposal: Tuple };

export const toV9: ChangesOf = (blocks, epoch, before) => {
  // Allocations are numbered from 1 on, by their deals.
  let found: Promise<readonly Allocation[]> | undefined;
  const waiting = () => {
    found ??= waitingDeals(blocks, before);
    return found;
  };
  return {
    async storageminer(state) {
      const proposals = linkIn((await before(MARKET))[AT.market.proposals]);
      const sectors = (root: unknown) => blocks.changedArray(linkIn(root), (_, old) => sector(old as Tuple));
      return changed(state, {
        [AT.miner.info]: blocks.put(withBeneficiary(await blocks.tuple(linkIn(state[AT.miner.info])))),
        [AT.miner.preCommitted]: await blocks.changedMap(linkIn(state[AT.miner.preCommitted]), (old) =>
          preCommit(blocks, proposals, old),
        ),
        [AT.miner.sectors]: await sectors(state[AT.miner.sectors]),
        ...(await eachDeadline(blocks, state, async (old) =>
          changed(old, { [AT.deadline.snapshot]: await sectors(old[AT.deadline.snapshot]) }),
        )),
      });
    },
    async storagemarket(state) {
      const states = await blocks.changedArray(linkIn(state[AT.market.states]), (_, old) => [
        ...(old as Tuple),
        NO_CLAIM,
      ]);
      const allocated = (await waiting()).map(({ deal }, i) => [deal, i + 1] as const);
      return [...changed(state, { [AT.market.states]: states }), blocks.numbered(new Map(allocated))];
    },
    async verifiedregistry(state) {
      const { root, verifiers, removals } = AT.registry;
      const all = await waiting();
      const allocations = await allocationsOf(blocks, all, epoch, linkIn((await before(INIT))[AT.init.map]));
      const noClaims = blocks.numbered(new Map());
      return [state[root], state[verifiers], state[removals], allocations, all.length + 1, noClaims];
    },
  };
};

/** The data cap actor: what clients had, and the registry what is allocated. */
export const dataCapActor: AddedActors = async (blocks, codes, before) => {
  const clients = linkIn((await before(VERIFIED_REGISTRY))[AT.registry.clients]);
  const balances = new Map<bigint, Uint8Array>();
  const allowances = new Map<bigint, CID>();
  let supply = 0n;
  const market = blocks.numbered(new Map([[MARKET.actorId as bigint, bigToBytes(UNLIMITED)]]));
  for await (const [key, bytes] of blocks.map(clients)) {
    const client = Address.fromBytes(key).actorId;
    if (client === null) throw new RangeError("a client of the verified registry is none by its id");
    const amount = bytesToBig(bytes as Uint8Array) * A_BYTE;
    balances.set(client, bigToBytes(amount));
    allowances.set(client, market);
    supply += amount;
  }
  const sizes = (await waitingDeals(blocks, before)).map(({ proposal }) =>
    BigInt(proposal[AT.proposal.size] as number),
  );
  const allocated = sizes.reduce((sum, size) => sum + size, 0n) * A_BYTE;
  balances.set(VERIFIED_REGISTRY.actorId as bigint, bigToBytes(allocated));
  const token = [bigToBytes(supply + allocated), blocks.numbered(balances), blocks.numbered(allowances), MAP_WIDTH];
  const head = blocks.put([VERIFIED_REGISTRY.bytes, token]);
  return [[DATACAP.actorId as bigint, newActor(codes, "datacap", head, null)]];
};

/** Verified deals that were published and are in no sector yet, by their numbers. */
async function waitingDeals(blocks: StateBlocks, before: StateBefore): Promise<readonly Allocation[]> {
  const market = await before(MARKET);
  const [proposals, states, pending] = [AT.market.proposals, AT.market.states, AT.market.pending].map((at) =>
    linkIn(market[at]),
  ) as [CID, CID, CID];
  const found: Allocation[] = [];
  for await (const [deal, value] of blocks.array(proposals)) {
    const proposal = value as Tuple;
    if (proposal[AT.proposal.verified] !== true) continue;
    const { bytes } = cidOfBlock(dagCbor.encode(proposal));
    if ((await blocks.entry(pending, bytes)) === undefined) continue;
    if ((await blocks.element(states, deal)) !== undefined) continue;
    found.push({ deal, proposal });
  }
  return found;
}

async function allocationsOf(
  blocks: StateBlocks,
  waiting: readonly Allocation[],
  epoch: number,
  addresses: CID,
): Promise<CID> {
  const idOf = async (value: unknown): Promise<bigint> => {
    const address = Address.fromBytes(value as Uint8Array);
    if (address.actorId !== null) return address.actorId;
    const id = await blocks.entry(addresses, address.bytes);
    if (id === undefined) throw new RangeError(`a deal of ${address}, which is no actor's`);
    return BigInt(id as number);
  };
  const of = new Map<bigint, Map<bigint, unknown>>();
  for (const [i, { proposal }] of waiting.entries()) {
    const [client, provider] = [await idOf(proposal[AT.proposal.client]), await idOf(proposal[AT.proposal.provider])];
    const [start, end] = [Number(proposal[AT.proposal.start]), Number(proposal[AT.proposal.end])];
    const expires = Math.min(start, epoch + ALLOCATION_EPOCHS);
    const { piece, size } = AT.proposal;
    const allocation = [client, provider, proposal[piece], proposal[size], end - start, DEAL_EPOCHS, expires];
    of.set(client, (of.get(client) ?? new Map()).set(BigInt(i + 1), allocation));
  }
  return blocks.numbered(new Map([...of].map(([client, own]) => [client, blocks.numbered(own)])));
}

/** A miner's facts, with its owner as the beneficiary without a term. */
function withBeneficiary(info: Tuple): Tuple {
  const noTerm = [NONE, NONE, 0];
  return [...info, info[AT.info.owner], noTerm, null];
}

function sector(old: Tuple): Tuple {
  const isZero = (at: number) => bytesToBig(old[at] as Uint8Array) === 0n;
  return [...old, isZero(AT.sector.dealWeight) && isZero(AT.sector.verifiedWeight)];
}

async function preCommit(blocks: StateBlocks, proposals: CID, old: Tuple): Promise<Tuple> {
  const info = old[AT.preCommit.info] as Tuple;
  const pieces: { size: number; commitment: Uint8Array }[] = [];
  for (const deal of info[AT.sectorInfo.deals] as readonly number[]) {
    // A deal that has ended is there no more, and its sector is never proven.
    const proposal = (await blocks.element(proposals, BigInt(deal))) as Tuple | undefined;
    if (proposal === undefined) continue;
    const commitment = bytesOfCidV1(linkIn(proposal[AT.proposal.piece]));
    if (commitment === null) throw new RangeError(`deal ${deal} is of a piece without a commitment`);
    pieces.push({ size: Number(proposal[AT.proposal.size]), commitment });
  }
  const limit = sectorSizeOf(Number(info[AT.sectorInfo.sealProof])) ?? 0;
  const unsealed = pieces.length === 0 ? null : pieceCidV1(piecesCommitment(pieces, limit));
  const { deposit, epoch } = AT.preCommit;
  return [[...info.slice(0, AT.sectorInfo.kept), unsealed], old[deposit], old[epoch]];
}
