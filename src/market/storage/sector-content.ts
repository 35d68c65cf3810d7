/**
 * What the chain has in a sector: the deals that its market names there, and the pieces that they are of. Until actors v12 a sector
 * names its deals itself, and their order is its data's. From v13 on the market does, by their ids, and what lies where, data
 * without deals included, stands in the message alone that proved the sector, or its update. A sector that was proven before v13, or
 * pre-committed before and proven at v13, holds its deals and nothing else; their order is in its own state (to v15), in that after its
 * proof, or in its pre-commit.
 * Source: builtin-actors v12.0.0 to v18.0.0 actors/miner/src/types.rs, v18.0.0 actors/market/src/state.rs (put_sector_deal_ids).
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { Chain } from "../../chain/chain.ts";
import { commitmentOfCidV1 } from "../../sector/piece/cid.ts";
import type { PieceInfo } from "../../sector/piece/pieces.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { uvarint } from "../../state/miner-reader.ts";
import type { ActorEntry } from "../../state/state-view.ts";
import { hamtGet } from "../../storage/hamt.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import { CID, parseCid } from "../../types/cid.ts";
import { pieceOf, type SectorOnChain } from "./inclusion.ts";
import { type DealProposal, proposalOfJson } from "./proposal.ts";

/**
 * Methods whose first parameter lists sectors with their pieces, and where a sector's pieces are in its own: ProveCommitSectors3 names number
 * and pieces, ProveReplicaUpdates3 number, deadline, partition, CommR and pieces.
 */
const NAMING_PIECES: ReadonlyMap<bigint, number> = new Map([
  [34n, 1],
  [35n, 4],
]);

export type ContentSource = {
  readonly chain: Pick<Chain, "blocks" | "tipsetAtOrBefore" | "tipsetMessages" | "knownResult" | "receiptAt">;
  readonly prefix: NetworkPrefix;
  /** The miner's actor, and the market's. */
  readonly miner: { readonly id: Address; readonly entry: ActorEntry };
  readonly market: ActorEntry;
  /** What the miner's state after an epoch says; undefined where that is not kept. */
  minerAt<T>(epoch: number, read: (miner: ObjectReader) => Promise<T>): Promise<T | undefined>;
};

/** Null if there is no such sector, none of deals, or one whose deals the chain does not have any more. */
export async function sectorContent(source: ContentSource, number: number): Promise<SectorOnChain | null> {
  const { chain, prefix, miner } = source;
  const reader = await ObjectReader.open(chain.blocks, miner.entry, prefix);
  if (!reader.has("Sectors")) return null;
  const market = await ObjectReader.open(chain.blocks, source.market, prefix);
  const isMapped = market.has("ProviderSectors");
  const ids = isMapped ? await mappedDeals(source, market, number) : await ownDeals(reader, number);
  if (ids.length === 0) return null;
  const deals: { readonly id: number; readonly proposal: DealProposal }[] = [];
  for (const id of ids) {
    const proposal = await market.element("Proposals", BigInt(id));
    // One that is over: what the sector held cannot be told any more.
    if (proposal === null) return null;
    deals.push({ id, proposal: proposalOfJson(proposal as JsonObject) });
  }
  const { SectorSize: size } = (await reader.object("Info")) as JsonObject;
  const sectorBytes = Number(size);
  if (!isMapped) return { sectorBytes, deals, pieces: deals.map(({ proposal }) => pieceOf(proposal)) };
  const state = (await market.element("States", BigInt(ids[0] as number))) as JsonObject | null;
  if (state === null) return null;
  const epoch = Number(state["SectorStartEpoch"]);
  const pieces = await provenPieces(source, number, epoch);
  if (pieces !== null) return { sectorBytes, deals, pieces };
  const order = await earlierDeals(source, reader, number, epoch);
  const ofId = new Map(deals.map(({ id, proposal }) => [id, pieceOf(proposal)]));
  const inOrder = order.flatMap((id) => ofId.get(id) ?? []);
  // Of a deal that the market has no more its data cannot be told.
  const isWhole = order.length === deals.length && inOrder.length === deals.length;
  return isWhole ? { sectorBytes, deals, pieces: inOrder } : null;
}

function idsIn(object: JsonObject | null): readonly number[] {
  return ((object?.["DealIDs"] ?? []) as readonly (number | string)[]).map(Number);
}

async function ownDeals(miner: ObjectReader, number: number): Promise<readonly number[]> {
  return idsIn((await miner.element("Sectors", BigInt(number))) as JsonObject | null);
}

/** The deals of a sector whose proof named no pieces, in the order of its data; none where no state is kept that tells. */
export async function earlierDeals(
  { minerAt }: Pick<ContentSource, "minerAt">,
  miner: ObjectReader,
  number: number,
  activated: number,
): Promise<readonly number[]> {
  const own = await ownDeals(miner, number);
  if (own.length > 0) return own;
  const proven = (await minerAt(activated, (then) => ownDeals(then, number))) ?? [];
  if (proven.length > 0) return proven;
  const preCommit = async (then: ObjectReader): Promise<readonly number[]> => {
    const found = (await then.element("PreCommittedSectors", uvarint(BigInt(number)))) as JsonObject | null;
    return idsIn((found?.["Info"] ?? null) as JsonObject | null);
  };
  return (await minerAt(activated - 1, preCommit)) ?? [];
}

async function mappedDeals(
  { chain, miner }: ContentSource,
  market: ObjectReader,
  number: number,
): Promise<readonly number[]> {
  const sectors = await market.element("ProviderSectors", uvarint(miner.id.actorId as bigint));
  if (sectors === null) return [];
  const link = parseCid((sectors as { readonly "/": string })["/"]);
  const found = await hamtGet(chain.blocks, link, uvarint(BigInt(number)));
  return Array.isArray(found) ? found.map(Number) : [];
}

/** Pieces of a sector, as the message of an epoch says that proved it; null if none of that epoch does. What failed, as anybody's would, says nothing. */
export async function provenPieces(
  {
    chain,
    miner,
  }: { readonly chain: Omit<ContentSource["chain"], "blocks">; readonly miner: { readonly id: Address } },
  number: number,
  epoch: number,
): Promise<readonly PieceInfo[] | null> {
  const tipset = await chain.tipsetAtOrBefore(epoch);
  if (tipset.height !== epoch) return null;
  const result = await chain.knownResult(tipset);
  for (const [index, { message }] of (await chain.tipsetMessages(tipset)).entries()) {
    const place = NAMING_PIECES.get(message.method);
    if (place === undefined || !message.to.equals(miner.id)) continue;
    const found = piecesIn(message.params, number, place);
    if (found === null) continue;
    // A node that began later has no receipts of it.
    if (result === null || (await chain.receiptAt(result.receiptsRoot, index)).exitCode === 0) return found;
  }
  return null;
}

/** What the parameters of a proof say of a sector: null if they are none, or name another one. */
function piecesIn(params: Uint8Array, number: number, place: number): readonly PieceInfo[] | null {
  let sectors: unknown;
  try {
    [sectors] = dagCbor.decode(params) as [unknown];
  } catch {
    // A message that failed, then.
    return null;
  }
  if (!Array.isArray(sectors)) return null;
  const found = sectors.find((one) => Array.isArray(one) && one[0] === number) as unknown[] | undefined;
  const named = found?.[place];
  if (!Array.isArray(named)) return null;
  const pieces = named.map((piece: unknown): PieceInfo | null => {
    if (!Array.isArray(piece)) return null;
    const cid = CID.asCID(piece[0]);
    const commP = cid === null ? null : commitmentOfCidV1(cid);
    const size = Number(piece[1]);
    return commP === null || !Number.isSafeInteger(size) ? null : { commP, paddedSize: size };
  });
  return pieces.includes(null) ? null : (pieces as readonly PieceInfo[]);
}
