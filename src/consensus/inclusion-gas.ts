/** What it costs a message to be on chain, in gas: the least gas limit that a block may carry. */
import { PRICE_LISTS, type PriceList } from "../schema/versions/prices.ts";
import { findVersion } from "../schema/versions/rows.ts";

/** Gas for a message of this many bytes on chain. Throws `RangeError` for versions whose prices are not known. */
export function inclusionGas(bytes: number, networkVersion: number): bigint {
  const name = findVersion(networkVersion)?.prices;
  const list = (PRICE_LISTS as Readonly<Record<string, PriceList | undefined>>)[name ?? ""];
  if (list === undefined) throw new RangeError(`no prices for network version ${networkVersion}`);
  const { messageCompute, messageStorage, messagePerByte, storageMultiplier } = list;
  return BigInt(messageCompute + (messageStorage + messagePerByte * bytes) * storageMultiplier);
}
