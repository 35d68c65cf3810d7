/**
 * How retrieval pays and is paid: by vouchers of payment channels, one lane for each deal. What a voucher changes of a deal is
 * kept in the batch that keeps the voucher, so that no end of the process lies between them.
 */
import { isFilError } from "../../base/errors.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import type { SignedVoucher } from "../../types/voucher.ts";
import type { Note } from "../paych/book.ts";
import { badVoucher, PaychError } from "../paych/errors.ts";
import type { ReserveNote } from "../paych/funds.ts";
import type { PaymentChannels } from "../paych/part.ts";

export type PaymentLane = { readonly channel: Address; readonly lane: bigint };

export type Payer = {
  /**
   * Sets an amount aside in the channel of a pair, which is made and filled as needed; resolves when it is there. `note` is kept
   * in the batch that sets the amount aside, or that keeps the message that does.
   */
  reserve(from: Address, to: Address, amount: bigint, note: ReserveNote, signal: AbortSignal): Promise<Address>;
  /** Resolves to the channel when a message that sets an amount aside has done so. */
  reserved(message: CID, signal: AbortSignal): Promise<Address>;
  /** Gives an amount that was set aside back. */
  release(channel: Address, amount: bigint, note: Note): Promise<void>;
  lane(channel: Address): Promise<bigint>;
  /** The voucher over the lane's new total, attoFIL. */
  pay(lane: PaymentLane, total: bigint, note: Note): Promise<SignedVoucher>;
};

export type Payee = {
  /**
   * Takes a voucher that pays `to`; gives what it is surely worth beyond those before it. Throws if it does not count. What is
   * noted of its worth is kept with one that was not here before.
   */
  take(to: Address, channel: Address, voucher: SignedVoucher, note: (gained: bigint) => Note): Promise<bigint>;
};

const RESERVE = { reserve: true, offChain: false } as const;
const NO_SECRET = new Uint8Array(0);

export function payerOf({ channels, vouchers }: Pick<PaymentChannels, "channels" | "vouchers">): Payer {
  return {
    async reserve(from, to, amount, note, signal) {
      const { channel, message } = await channels.get(from, to, amount, RESERVE, signal, note);
      return message === null ? (channel as Address) : channels.waitReady(message, signal);
    },
    reserved: (message, signal) => channels.waitReady(message, signal),
    release: (channel, amount, note) => channels.release(channel, amount, note),
    lane: (channel) => channels.allocateLane(channel),
    async pay({ channel, lane }, total, note) {
      const { voucher, shortfall } = await vouchers.create(channel, { lane, amount: total }, () => note);
      if (voucher !== null) return voucher;
      throw new PaychError(
        { code: "SHORTFALL", shortfall: `${shortfall}` },
        `channel ${channel} lacks ${filText(shortfall)} for the next payment`,
      );
    },
  };
}

export function payeeOf({ channels, vouchers }: Pick<PaymentChannels, "channels" | "vouchers">): Payee {
  return {
    async take(to, channel, voucher, note) {
      const view = await channels.view(channel);
      if (!view.to.equals(await channels.chain.keyOf(to))) badVoucher(`channel ${channel} does not pay ${to}`);
      // It may have settled before the voucher can be handed in.
      if (view.settlingAt !== 0) badVoucher(`channel ${channel} is being settled`);
      return vouchers.add(channel, voucher, 0n, NO_SECRET, note);
    },
  };
}

/** Whether a payment failed for what the other side sent. */
export function isTheirFault(error: unknown): boolean {
  const codes = ["BAD_FRAME", "BAD_VOUCHER", "NO_CHANNEL", "NO_KEY", "SHORTFALL", "TOO_LITTLE", "BAD_ADDRESS"];
  return codes.some((code) => isFilError(error, code));
}
