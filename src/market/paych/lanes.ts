/**
 * What vouchers do to a channel's lanes, reckoned without a machine: the twin of the actor's rule
 * (`assembly/actors/paych/state.ts`), with the restraint that makes reckoning independent of order.
 *
 * Both sides keep to it: amounts of a lane grow with its nonces, a voucher is worth no less than all that it takes over,
 * a lane that was merged is closed for good, and one that took others over waits until the chain has seen that. Then no
 * choice and no order of vouchers pays more than all of them, one after the other: what a payer may have to pay at the most
 * is what this says.
 */
import type { SignedVoucher } from "../../types/voucher.ts";
import { badVoucher } from "./errors.ts";

export type Lane = { readonly redeemed: bigint; readonly nonce: bigint };

/** A channel's lanes, and what it owes. A value: `redeem` gives another one. */
export type Ledger = {
  /** attoFIL */
  readonly owed: bigint;
  readonly lanes: ReadonlyMap<bigint, Lane>;
};

export const EMPTY_LEDGER: Ledger = { owed: 0n, lanes: new Map() };

/** The ledger after a voucher. Throws `PaychError` BAD_VOUCHER if it does not count there. */
export function redeem(ledger: Ledger, voucher: SignedVoucher): Ledger {
  const lanes = new Map(ledger.lanes);
  return { owed: ledger.owed + redeemOn(lanes, voucher), lanes };
}

/** Redeems a voucher on some lanes, which change only if it counts there; gives what it adds, attoFIL. Throws as `redeem`. */
function redeemOn(lanes: Map<bigint, Lane>, { lane: id, nonce, amount, merges }: SignedVoucher): bigint {
  const lane = lanes.get(id);
  if (lane !== undefined && nonce <= lane.nonce) badVoucher("nonce too low");
  if (lane !== undefined && amount <= lane.redeemed)
    badVoucher("voucher amount is lower than amount for voucher with lower nonce");
  let before = lane?.redeemed ?? 0n;
  const merged = new Map<bigint, Lane>();
  for (const merge of merges) {
    if (merge.lane === id) badVoucher("voucher cannot merge lanes into its own lane");
    const other =
      merged.get(merge.lane) ??
      lanes.get(merge.lane) ??
      badVoucher(`voucher merges lane ${merge.lane}, which nothing was paid on`);
    if (merge.nonce <= other.nonce) badVoucher(`voucher merges lane ${merge.lane} with an outdated nonce`);
    before += other.redeemed;
    merged.set(merge.lane, { redeemed: other.redeemed, nonce: merge.nonce });
  }
  if (amount < before) badVoucher("voucher is worth less than the lanes that it merges");
  for (const [other, after] of merged) lanes.set(other, after);
  lanes.set(id, { redeemed: amount, nonce });
  return amount - before;
}

/** The ledger after those of some vouchers that count there, in their order. */
export function redeemAll(ledger: Ledger, vouchers: Iterable<SignedVoucher>): Ledger {
  // One copy for all of them: there may be as many lanes as vouchers.
  const lanes = new Map(ledger.lanes);
  let { owed } = ledger;
  for (const voucher of vouchers) if (isNew(lanes, voucher)) owed += orNull(() => redeemOn(lanes, voucher)) ?? 0n;
  return { owed, lanes };
}

/** As `redeem`, but null for a voucher that does not count. */
export function tryRedeem(ledger: Ledger, voucher: SignedVoucher): Ledger | null {
  return orNull(() => redeem(ledger, voucher));
}

function orNull<Result>(work: () => Result): Result | null {
  try {
    return work();
  } catch {
    return null;
  }
}

function isNew(lanes: Ledger["lanes"], { lane, nonce }: SignedVoucher): boolean {
  return nonce > (lanes.get(lane)?.nonce ?? -1n);
}

/**
 * Throws `PaychError` BAD_VOUCHER for a voucher that uses a lane which another voucher (`known`) has merged, or one whose
 * merge is not on the chain (`chain`) yet: the actor would let both be spent.
 */
export function checkLanesFree(chain: Ledger, known: Iterable<SignedVoucher>, voucher: SignedVoucher): void {
  const used = [voucher.lane, ...voucher.merges.map(({ lane }) => lane)];
  for (const { lane, nonce, merges } of known) {
    if (merges.length === 0) continue;
    const closed = merges.find((merge) => used.includes(merge.lane));
    if (closed !== undefined) badVoucher(`lane ${closed.lane} was merged into lane ${lane} and is closed`);
    if (used.includes(lane) && nonce > (chain.lanes.get(lane)?.nonce ?? -1n))
      badVoucher(`lane ${lane} waits until its voucher that merges other lanes is redeemed`);
  }
}

/** Whether a voucher counts only if something else holds: an epoch, a secret that is shown, a call that succeeds. */
export function hasConditions({ timeLockMin, timeLockMax, secretHash, extra }: SignedVoucher): boolean {
  return timeLockMin !== 0n || timeLockMax !== 0n || secretHash.length > 0 || extra !== null;
}

/** Whether a voucher's locks on time let it count at an epoch. */
export function isOpenAt({ timeLockMin, timeLockMax }: SignedVoucher, epoch: bigint): boolean {
  return epoch >= timeLockMin && (timeLockMax === 0n || epoch <= timeLockMax);
}
