/**
 * What it costs a message to be on chain, in gas: the least gas limit that a block may carry.
 * Source of the FVM's prices: ref-fvm ef0a99370839 fvm/src/gas/price_list.rs (on_chain_message), as in `assembly/fvm/prices.ts`.
 */
import { PRICE_LISTS, type PriceList } from "../schema/versions/prices.ts";
import { findVersion, isFvm } from "../schema/versions/rows.ts";

/** Gas of the FVM: a message's compute, its bytes and 36 more by 1,300, and from Hygge on the update of its sender. */
const FVM = { compute: 38_863, senderUpdate: 475_000, overhead: 36, perByte: 1300 } as const;

function fvmInclusion(bytes: number, updates: boolean): bigint {
  const { compute, senderUpdate, overhead, perByte } = FVM;
  return BigInt(compute + (updates ? senderUpdate : 0) + (overhead + bytes) * perByte);
}

/** Gas for a message of this many bytes on chain. Throws `RangeError` for versions whose prices are not known. */
export function inclusionGas(bytes: number, networkVersion: number): bigint {
  const name = findVersion(networkVersion)?.prices;
  if (isFvm(networkVersion)) return fvmInclusion(bytes, name !== "skyr");
  const list = (PRICE_LISTS as Readonly<Record<string, PriceList | undefined>>)[name ?? ""];
  if (list === undefined) throw new RangeError(`no prices for network version ${networkVersion}`);
  const { messageCompute, messageStorage, messagePerByte, storageMultiplier } = list;
  return BigInt(messageCompute + (messageStorage + messagePerByte * bytes) * storageMultiplier);
}
