/** How retrieval pays and is paid: by vouchers of payment channels, one lane for each deal. */
import { isFilError } from "../../base/errors.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import type { SignedVoucher } from "../../types/voucher.ts";
import { badVoucher, PaychError } from "../paych/errors.ts";
import type { PaymentChannels } from "../paych/part.ts";

export type PaymentLane = { readonly channel: Address; readonly lane: bigint };

export type Payer = {
  /** A lane of its own in the channel of a pair, with an amount set aside; waits for the chain as needed. */
  open(from: Address, to: Address, amount: bigint, signal: AbortSignal): Promise<PaymentLane>;
  /** The voucher over the lane's new total, attoFIL; puts in what the channel lacks. */
  pay(from: Address, to: Address, lane: PaymentLane, total: bigint, signal: AbortSignal): Promise<SignedVoucher>;
};

export type Payee = {
  /** Takes a voucher that pays `to`; gives what it is surely worth beyond those before it. Throws if it does not count. */
  take(to: Address, channel: Address, voucher: SignedVoucher): Promise<bigint>;
};

const RESERVE = { reserve: true, offChain: false } as const;

export function payerOf({ channels, vouchers }: Pick<PaymentChannels, "channels" | "vouchers">): Payer {
  const fund = async (from: Address, to: Address, amount: bigint, signal: AbortSignal): Promise<Address> => {
    const { channel, message } = await channels.get(from, to, amount, RESERVE, signal);
    return message === null ? (channel as Address) : channels.waitReady(message, signal);
  };
  return {
    async open(from, to, amount, signal) {
      const channel = await fund(from, to, amount, signal);
      return { channel, lane: await channels.allocateLane(channel) };
    },
    async pay(from, to, { channel, lane }, total, signal) {
      let made = await vouchers.create(channel, { lane, amount: total });
      if (made.voucher === null) {
        await fund(from, to, made.shortfall, signal);
        made = await vouchers.create(channel, { lane, amount: total });
      }
      if (made.voucher !== null) return made.voucher;
      throw new PaychError(
        { code: "SHORTFALL", shortfall: `${made.shortfall}` },
        `channel ${channel} lacks ${filText(made.shortfall)} for the next payment`,
      );
    },
  };
}

export function payeeOf({ channels, vouchers }: Pick<PaymentChannels, "channels" | "vouchers">): Payee {
  return {
    async take(to, channel, voucher) {
      const view = await channels.view(channel);
      if (!view.to.equals(await channels.chain.keyOf(to))) badVoucher(`channel ${channel} does not pay ${to}`);
      // It may have settled before the voucher can be handed in.
      if (view.settlingAt !== 0) badVoucher(`channel ${channel} is being settled`);
      return vouchers.add(channel, voucher, 0n);
    },
  };
}

/** Whether a payment failed for what the other side sent. */
export function isTheirFault(error: unknown): boolean {
  const codes = ["BAD_FRAME", "BAD_VOUCHER", "NO_CHANNEL", "NO_KEY", "SHORTFALL", "TOO_LITTLE", "BAD_ADDRESS"];
  return codes.some((code) => isFilError(error, code));
}
