/**
 * One voucher in place of several: what may be claimed together, and for how much. The payee names the best voucher of some
 * lanes and an amount of at most their sum; the payer signs one over that amount which takes the lanes over, and the payee
 * redeems it with one message. Only one of both counts: whichever the chain has first makes the other void.
 *
 * The lanes must be on the chain: the actor merges no others. Until the chain has seen the new voucher both sides reckon with the
 * sum of the old ones, which the payee could still redeem.
 */

import { filText } from "../../types/amount.ts";
import { MAX_MERGES, type SignedVoucher } from "../../types/voucher.ts";
import { badVoucher, PaychError } from "./errors.ts";
import type { Ledger } from "./lanes.ts";

/** Fewest vouchers of which one is made. */
const FEWEST = 2;

export const sumOfClaims = (claims: readonly SignedVoucher[]): bigint =>
  claims.reduce((sum, { amount }) => sum + amount, 0n);

/**
 * Throws `PaychError` unless the vouchers are of lanes of their own that are on the chain, and `value` is less than their sum by at
 * least `least`, and no less than the chain has paid on these lanes.
 */
export function checkClaims(chain: Ledger, claims: readonly SignedVoucher[], value: bigint, least: bigint): void {
  if (claims.length < FEWEST || claims.length > MAX_MERGES)
    badVoucher(
      `one voucher is made of ${FEWEST} to ${MAX_MERGES} others, not of ${claims.length}: of lanes that the chain has, over more than it has paid`,
    );
  const lanes = new Set<bigint>();
  let paid = 0n;
  for (const { lane } of claims) {
    if (lanes.has(lane)) badVoucher(`two vouchers of lane ${lane}`);
    lanes.add(lane);
    paid +=
      chain.lanes.get(lane)?.redeemed ??
      badVoucher(`lane ${lane} is not on the chain; redeem its first voucher by itself`);
  }
  const sum = sumOfClaims(claims);
  if (value > sum) refused(`${filText(value)} is more than the ${filText(sum)} that the vouchers are over`);
  if (sum - value < least)
    refused(`${filText(value)} is asked for ${filText(sum)}; the difference must be at least ${filText(least)}`);
  if (value <= paid) badVoucher(`${filText(value)} is no more than these lanes have been paid on the chain`);
}

/** Whether a later voucher of the same lane is worth more: to take the lane over would lose it, locked as it may be for now. */
export function isSurpassed(known: readonly SignedVoucher[], { lane, nonce, amount }: SignedVoucher): boolean {
  return known.some((one) => one.lane === lane && one.nonce > nonce && one.amount > amount);
}

/** Throws `PaychError` BAD_VOUCHER if one of the vouchers is not its lane's last. */
export function checkLast(known: readonly SignedVoucher[], claims: readonly SignedVoucher[]): void {
  for (const claim of claims)
    if (isSurpassed(known, claim)) badVoucher(`lane ${claim.lane} has a later voucher than ${claim.nonce}, worth more`);
}

function refused(why: string): never {
  throw new PaychError({ code: "REFUSED" }, why);
}

/** Whether a voucher takes over the lanes of some others, all of them and none besides. */
export function takesOver({ merges }: SignedVoucher, claims: readonly SignedVoucher[]): boolean {
  const nonces = new Map(merges.map(({ lane, nonce }) => [lane, nonce] as const));
  return (
    merges.length === claims.length &&
    nonces.size === claims.length &&
    claims.every(({ lane, nonce }) => (nonces.get(lane) ?? -1n) > nonce)
  );
}
