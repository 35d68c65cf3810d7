/**
 * Rules of the storage market: bounds of deals, collateral, weight.
 *
 * | constant                   | value                 | source: specs-actors builtin/market/policy.go |
 * |----------------------------|-----------------------|------------------------------------------------|
 * | deal updates interval      | one day of epochs     | DealUpdatesInterval                            |
 * | deal duration              | 180 to 540 days       | dealDurationBounds                             |
 * | price per epoch, client    | 0 to 2 billion FIL    | dealPricePerEpochBounds,                       |
 * | collateral, upper bounds   |                       | DealClientCollateralBounds                     |
 * | provider collateral target | 5 % (nv 0), 1 %       | ProvCollateralPercentSupplyNumV0, V1           |
 * | label                      | 256 bytes (v2)        | DealMaxLabelSize                               |
 */
import { Big } from "../../base/big";
import { CODEC_FIL_COMMITMENT_UNSEALED, Cid, HASH_SHA2_256_TRUNC254_PADDED } from "../../ipld/cid";
import { EPOCHS_IN_DAY, TOKEN_PRECISION } from "../../runtime/builtin";
import { DealProposal } from "./codec.gen";
import { NetworkVersion } from "../../runtime/versions.gen";

/** Stands for an epoch that has not come. */
export const EPOCH_UNDEFINED: i64 = -1;

/** Epochs between two processings of a deal. */
export const DEAL_UPDATES_INTERVAL: i64 = EPOCHS_IN_DAY;

/** Epochs, inclusive. */
export const DEAL_MIN_DURATION: i64 = 180 * EPOCHS_IN_DAY;
export const DEAL_MAX_DURATION: i64 = 540 * EPOCHS_IN_DAY;

/** attoFIL: all that will ever exist. Upper bound of prices and collaterals. */
export const TOTAL_FILECOIN: Big = Big.fromU64(2000000000).mul(TOKEN_PRECISION);

/** Bytes (actors v2). */
export const DEAL_MAX_LABEL_SIZE: i32 = 256;

/** Bytes. */
const MIN_PIECE_SIZE: u64 = 128;


/** Quality-adjusted power per byte of a verified deal (tenths of tenths: 100 / 10). */
const VERIFIED_DEAL_QUALITY: u64 = 10;

export function isPieceSize(size: u64): bool {
  return size >= MIN_PIECE_SIZE && popcnt<u64>(size) == 1;
}

/** True for CIDs with the prefix of a piece commitment: version 1, unsealed, truncated SHA-256 of 32 bytes. */
export function isPieceCid(cid: Cid): bool {
  return (
    cid.codec == CODEC_FIL_COMMITMENT_UNSEALED &&
    cid.hash == HASH_SHA2_256_TRUNC254_PADDED &&
    cid.digest.length == 32
  );
}

/** Epochs. */
export function durationOf(deal: DealProposal): i64 {
  return deal.endEpoch - deal.startEpoch;
}

/** attoFIL over the whole duration. */
export function totalFee(deal: DealProposal): Big {
  return deal.storagePricePerEpoch.mul(Big.fromI64(durationOf(deal)));
}

/** Byte-epochs. */
export function dealWeight(deal: DealProposal): Big {
  return Big.fromI64(durationOf(deal)).mul(Big.fromU64(deal.pieceSize));
}

/** Penalty in attoFIL when a deal is not in a sector by its start. */
export function missedActivationPenalty(providerCollateral: Big): Big {
  return providerCollateral;
}

/** Figures of the network that bound collateral: bytes, and attoFIL. */
@final
export class NetworkFigures {
  constructor(
    readonly rawPower: Big,
    readonly qaPower: Big,
    readonly baselinePower: Big,
  ) {}
}

/**
 * Least provider collateral in attoFIL:
 *
 *   target * circulating supply * deal power / max(network power, baseline power, deal power)
 *
 * where power is quality-adjusted at network version 0 and raw from version 1 on.
 */
export function minProviderCollateral(
  deal: DealProposal,
  network: NetworkFigures,
  circulatingSupply: Big,
  version: NetworkVersion,
): Big {
  const overRawPower = version.marketWeighsRawPower;
  const size = Big.fromU64(deal.pieceSize);
  const qaPower = deal.verifiedDeal ? size.mul(Big.fromU64(VERIFIED_DEAL_QUALITY)) : size;
  const dealPower = overRawPower ? size : qaPower;
  const networkPower = overRawPower ? network.rawPower : network.qaPower;
  const target = Big.fromI64(version.providerCollateralPercent);
  const allPower = Big.max(Big.max(networkPower, network.baselinePower), dealPower);
  return target.mul(circulatingSupply).mul(dealPower).div(Big.fromU64(100).mul(allPower));
}
