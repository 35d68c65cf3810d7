/**
 * Filecoin.Paych*: payment channels of this node, in both directions; and, as Filigree.Paych*, what the network's own
 * interface has no words for: vouchers with secrets and merges, and the best ones.
 */
import type { AvailableFunds } from "../../market/paych/manager.ts";
import type { Wanted } from "../../market/paych/vouchers.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import { address, amount, bytes, link, uint64 } from "../codec/chain-types.ts";
import { boolean, fallback, integer, list, nothing, nullable, object, text, type ValueOf } from "../codec/codec.ts";
import {
  availableFunds,
  channelInfo,
  paymentInfo,
  scheduleResult,
  voucher,
  voucherResult,
  voucherSchedule,
  voucherSpec,
  vouchers,
  wantedVoucher,
} from "../codec/voucher.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { type Group, group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";
import { MANY } from "./miner-shapes.ts";

/** Longest secret and proof, bytes. */
const MAX_SECRET = 4096;
/** Text of a peer's identity or multiaddr. */
const MAX_PEER = 512;
/** Vouchers of one payment. */
const MAX_PAYMENTS = 1000;
const INBOUND = 1;
const OUTBOUND = 2;
const FUND = { reserve: false, offChain: false } as const;

const channelParam = param("channel", address);
const pairParams = [param("from", address), param("to", address)] as const;
const redeemParams = [
  channelParam,
  param("voucher", voucher),
  param("secret", bytes(MAX_SECRET)),
  param("proof", bytes(MAX_SECRET)),
] as const;

function fundsJson(funds: AvailableFunds): ValueOf<typeof availableFunds> {
  return {
    Channel: funds.channel,
    From: funds.from,
    To: funds.to,
    ConfirmedAmt: funds.confirmed,
    PendingAmt: funds.pending,
    NonReservedAmt: funds.available,
    PendingAvailableAmt: funds.pendingAvailable,
    PendingWaitSentinel: funds.pendingMessage,
    QueuedAmt: funds.queued,
    VoucherReedeemedAmt: funds.redeemed,
  };
}

type Spec = ValueOf<typeof voucherSpec>;
const wantedOf = (spec: Spec, lane: bigint): Wanted => ({
  lane,
  amount: spec.Amount,
  timeLockMin: BigInt(spec.TimeLockMin),
  timeLockMax: BigInt(spec.TimeLockMax),
  minSettleHeight: BigInt(spec.MinSettle),
  extra: spec.Extra === null ? null : { actor: spec.Extra.Actor, method: spec.Extra.Method, data: spec.Extra.Data },
});

/** Funds a channel, waits until it is there, and makes the vouchers of one payment in a lane of its own. */
async function newPayment(
  { payments }: NodeServices,
  [from, to]: readonly [Address, Address],
  specs: readonly Spec[],
  signal: AbortSignal,
): Promise<ValueOf<typeof paymentInfo>> {
  const last = specs.at(-1);
  if (last === undefined) return badParams("vouchers: at least one expected");
  const { channel, message } = await payments.channels.get(
    ...([from, to, last.Amount, { reserve: true, offChain: false }, signal] as const),
  );
  const ready = message === null ? (channel as Address) : await payments.channels.waitReady(message, signal);
  const lane = await payments.channels.allocateLane(ready);
  const made: ValueOf<typeof voucher>[] = [];
  for (const spec of specs) {
    const { voucher: one, shortfall } = await payments.vouchers.create(ready, wantedOf(spec, lane));
    if (one === null)
      throw new RpcError(RPC_CODE.untyped, `Could not create voucher - shortfall of ${filText(shortfall)}`);
    made.push(one);
  }
  return { Channel: ready, WaitSentinel: message, Vouchers: made };
}

const funded = ({ channel, message }: { readonly channel: Address | null; readonly message: CID | null }) => ({
  Channel: channel,
  WaitSentinel: message,
});

const fund = method({
  summary: "Puts an amount into the channel of a pair, which is made as needed, for whoever reserves it later.",
  permission: "sign",
  params: [...pairParams, param("amount", amount)],
  result: channelInfo,
  cost: "wait",
  run: async ([from, to, value], { node, signal }) =>
    funded(await node.payments.channels.get(from, to, value, FUND, signal)),
});

export const paychGroup = group("Paych", "Payment channels of this node, and their vouchers.", {
  PaychFund: fund,
  PaychGetWaitReady: method({
    summary: "Waits until the message that makes a channel, or adds to it, has done so, and gives the channel.",
    permission: "sign",
    params: [param("waitSentinel", link)],
    result: address,
    cost: "wait",
    run: ([message], { node, signal }) => node.payments.channels.waitReady(message, signal),
  }),
  PaychAvailableFunds: method({
    summary: "Funds of a channel: put in, reserved, under way, and redeemed by vouchers.",
    permission: "sign",
    params: [channelParam],
    result: availableFunds,
    run: async ([channel], { node }) => fundsJson(await node.payments.channels.availableFunds(channel)),
  }),
  PaychAvailableFundsByFromTo: method({
    summary: "Funds of the channel that a pair uses; all zero if there is none.",
    permission: "sign",
    params: pairParams,
    result: availableFunds,
    run: async ([from, to], { node }) => fundsJson(await node.payments.channels.availableFundsOf(from, to)),
  }),
  PaychList: method({
    summary: "Payment channels that this node tracks.",
    result: list(address, MANY),
    run: (_, { node }) => node.payments.channels.list(),
  }),
  PaychStatus: method({
    summary: "Which key of this node controls a channel, and whether the channel pays (2) or is paid (1).",
    params: [channelParam],
    result: object("PaychStatus", { ControlAddr: address, Direction: integer(INBOUND, OUTBOUND) }),
    async run([channel], { node }) {
      const { direction, from, to } = await node.payments.channels.tracked(channel);
      return direction === "outbound"
        ? { ControlAddr: from, Direction: OUTBOUND }
        : { ControlAddr: to, Direction: INBOUND };
    },
  }),
  PaychSettle: method({
    summary: "Begins to settle a channel: vouchers can be redeemed for some hours more.",
    permission: "sign",
    params: [channelParam],
    result: link,
    cost: "execute",
    run: ([channel], { node }) => node.payments.channels.settle(channel),
  }),
  PaychCollect: method({
    summary: "Pays out a settled channel and removes it.",
    permission: "sign",
    params: [channelParam],
    result: link,
    cost: "execute",
    run: ([channel], { node }) => node.payments.channels.collect(channel),
  }),
  PaychAllocateLane: method({
    summary: "The next lane of a channel, which nobody else is given.",
    permission: "sign",
    params: [channelParam],
    result: uint64,
    run: ([channel], { node }) => node.payments.channels.allocateLane(channel),
  }),
  PaychNewPayment: method({
    summary:
      "Funds the channel of a pair with the last voucher's amount, and makes the vouchers in a lane of their own.",
    permission: "sign",
    params: [...pairParams, param("vouchers", list(voucherSpec, MAX_PAYMENTS))],
    result: paymentInfo,
    cost: "wait",
    run: ([from, to, specs], { node, signal }) => newPayment(node, [from, to], specs, signal),
  }),
  PaychVoucherCheckValid: method({
    summary:
      "Ends with what is wrong with a voucher, all known ones considered: signature, lane, amount, funds, conditions.",
    params: [channelParam, param("voucher", voucher)],
    result: nothing,
    async run([channel, given], { node }) {
      await node.payments.vouchers.checkValid(channel, given);
      return null;
    },
  }),
  PaychVoucherCheckSpendable: method({
    summary: "Whether redeeming a voucher would succeed now, with a secret and a proof if it needs them.",
    params: redeemParams,
    result: boolean,
    cost: "execute",
    run: ([channel, given, secret, proof], { node }) =>
      node.payments.vouchers.checkSpendable(channel, given, { secret, proof }),
  }),
  PaychVoucherCreate: method({
    summary: "Makes, signs and keeps the next voucher of a lane, or tells what the channel lacks for it.",
    permission: "sign",
    params: [channelParam, param("amount", amount), param("lane", uint64)],
    result: voucherResult,
    async run([channel, value, lane], { node }) {
      const { voucher: made, shortfall } = await node.payments.vouchers.create(channel, { amount: value, lane });
      return { Voucher: made, Shortfall: shortfall };
    },
  }),
  PaychVoucherAdd: method({
    summary: "Keeps a voucher that this node was given, and gives what it is worth beyond those before it.",
    permission: "write",
    params: [channelParam, param("voucher", voucher), param("proof", bytes(MAX_SECRET)), param("minDelta", amount)],
    result: amount,
    run([channel, given, proof, least], { node }) {
      if (proof.length > 0) badParams("proof: payment channel proof parameter is not supported");
      return node.payments.vouchers.add(channel, given, least);
    },
  }),
  PaychVoucherList: method({
    summary: "Vouchers of a channel, made or taken in, in their order.",
    permission: "write",
    params: [channelParam],
    result: vouchers,
    run: async ([channel], { node }) => (await node.payments.vouchers.list(channel)).map((one) => one.voucher),
  }),
  PaychVoucherSubmit: method({
    summary: "Sends a voucher to its channel in the payee's name.",
    permission: "sign",
    params: redeemParams,
    result: link,
    cost: "execute",
    run: ([channel, given, secret, proof], { node }) =>
      node.payments.vouchers.submit(channel, given, { secret, proof }),
  }),
});

export const paychV1Group = group(
  "Paych",
  "Payment channels, as the present version has them.",
  {
    PaychGet: method({
      summary: "Gets the channel of a pair with an amount reserved in it: what is free, or what is put in for it.",
      permission: "sign",
      params: [
        ...pairParams,
        param("amount", amount),
        param("options", nullable(object("PaychGetOpts", { OffChain: fallback(boolean, false) }))),
      ],
      result: channelInfo,
      cost: "wait",
      run: async ([from, to, value, options], { node, signal }) =>
        funded(
          await node.payments.channels.get(
            ...([from, to, value, { reserve: true, offChain: options?.OffChain ?? false }, signal] as const),
          ),
        ),
    }),
  },
  ["v1"],
);

export const paychV0Group = group(
  "Paych",
  "Payment channels, as the older version has them.",
  { PaychGet: { ...fund, summary: "Puts an amount into the channel of a pair, which is made as needed." } },
  ["v0"],
);

const reconcilePolicy = object("ReconcilePolicy", { Accept: boolean, MinDifference: amount });

function reconcilerOf({ reconciler }: NodeServices): NonNullable<NodeServices["reconciler"]> {
  if (reconciler !== undefined) return reconciler;
  throw new RpcError(
    RPC_CODE.untyped,
    "this node has no peers; agreeing on vouchers needs devnet --nodes, or node start",
  );
}

const ownMethods = {
  PaychVoucherCreate: method({
    summary:
      "As Filecoin.PaychVoucherCreate, with locks on time, a secret, an extra call, merges, an earliest settling.",
    permission: "sign",
    params: [channelParam, param("voucher", wantedVoucher)],
    result: voucherResult,
    async run([channel, wanted], { node }) {
      const more = { secretHash: wanted.SecretHash, merges: wanted.Merges };
      const made = await node.payments.vouchers.create(channel, { ...wantedOf(wanted, wanted.Lane), ...more });
      return { Voucher: made.voucher, Shortfall: made.shortfall };
    },
  }),
  PaychVoucherSchedule: method({
    summary:
      "Makes and keeps the vouchers of a payment over time, evenly spaced in amount and epoch, in a lane of their own; or tells what the channel lacks.",
    permission: "sign",
    params: [channelParam, param("schedule", voucherSchedule)],
    result: scheduleResult,
    cost: "execute",
    async run([channel, { Amount, Count, StartEpoch, EndEpoch, MinSettle }], { node }) {
      const made = await node.payments.vouchers.schedule(channel, {
        ...{ amount: Amount, count: Count, start: BigInt(StartEpoch), end: BigInt(EndEpoch) },
        minSettleHeight: BigInt(MinSettle),
      });
      return { Vouchers: made.vouchers, Shortfall: made.shortfall };
    },
  }),
  PaychVoucherAdd: method({
    summary: "As Filecoin.PaychVoucherAdd, with the secret that opens the voucher, also for one that is kept already.",
    permission: "write",
    params: [
      channelParam,
      param("voucher", voucher),
      param("secret", bytes(MAX_SECRET)),
      param("minDelta", fallback(amount, 0n)),
    ],
    result: amount,
    run: ([channel, given, secret, least], { node }) => node.payments.vouchers.add(channel, given, least, secret),
  }),
  PaychBestSpendable: method({
    summary: "The voucher of each lane that is worth most and could be redeemed now.",
    params: [channelParam],
    result: vouchers,
    cost: "execute",
    run: ([channel], { node, signal }) => node.payments.vouchers.bestSpendable(channel, signal),
  }),
  PaychReconcile: method({
    summary:
      "Asks the payer's node for one voucher in place of the best of each lane that is on the chain, over Value (null: their sum), and keeps it.",
    permission: "sign",
    params: [channelParam, param("peer", text(MAX_PEER)), param("value", fallback(nullable(amount), null))],
    result: object("Reconciled", { Voucher: voucher, InPlaceOf: vouchers }),
    cost: "wait",
    async run([channel, peer, value], { node, signal }) {
      const made = await reconcilerOf(node).ask(channel, peer, value, signal);
      return { Voucher: made.voucher, InPlaceOf: made.claims };
    },
  }),
  PaychReconcilePolicy: method({
    summary:
      "Whether this node, as a payer, makes one voucher in place of several, and by how much less it wants to be asked for.",
    params: [],
    result: reconcilePolicy,
    async run(_, { node }) {
      const { accept, least } = await reconcilerOf(node).policy();
      return { Accept: accept, MinDifference: least };
    },
  }),
  PaychSetReconcilePolicy: method({
    summary: "Sets what Filigree.PaychReconcilePolicy tells.",
    permission: "admin",
    params: [param("policy", reconcilePolicy)],
    result: nothing,
    async run([{ Accept, MinDifference }], { node }) {
      await reconcilerOf(node).setPolicy({ accept: Accept, least: MinDifference });
      return null;
    },
  }),
} as const;

export const ownPaychGroup: Group<typeof ownMethods> & { readonly prefix: "Filigree." } = {
  title: "Paych",
  summary: "Payment channels: what the network's own interface has no words for.",
  prefix: "Filigree.",
  versions: API_VERSIONS,
  methods: ownMethods,
};
