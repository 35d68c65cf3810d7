/** `filigree paych reconcile` and `reconcile-policy`: one voucher in place of several, asked of the payer's node, and its policy. */
import { type Command, Option } from "commander";
import { filText } from "../../types/amount.ts";
import { type SignedVoucher, voucherFromJson, voucherText } from "../../types/voucher.ts";
import { interruptible } from "../interrupt.ts";
import { nextCommand, parseAmount, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";

type Policy = { readonly Accept: boolean; readonly MinDifference: string };
type Reconciled = { readonly Voucher: unknown; readonly InPlaceOf: readonly unknown[] };
type PolicyOptions = RemoteOptions & { readonly answer?: "yes" | "no"; readonly minDifference?: bigint };

export function registerReconcile(paych: Command): void {
  withRemote(
    paych
      .command("reconcile")
      .description(
        "ask the payer's node for one voucher in place of those of several lanes, to redeem it with one message",
      )
      .argument("<channel>", "its address")
      .argument("<peer>", "the payer's node: identity or multiaddr")
      .option("--value <amount>", "what it is to be over; default: the sum of the others", parseAmount),
  ).action(reconcile);
  withRemote(
    paych
      .command("reconcile-policy")
      .description("whether this node makes such vouchers; with an option it is set")
      .addOption(new Option("--answer <choice>", "whether it does").choices(["yes", "no"]))
      .option("--min-difference <amount>", "by how much less than the sum it wants to be asked for", parseAmount),
  ).action(policy);
}

async function reconcile(
  channel: string,
  peer: string,
  options: RemoteOptions & { readonly value?: bigint },
): Promise<void> {
  const remote = await Remote.open(options);
  const { value } = options;
  const params = [await remote.address(channel), peer, value === undefined ? null : value.toString()];
  await interruptible(async (signal) => {
    const { Voucher, InPlaceOf } = await remote.wait<Reconciled>("Filigree.PaychReconcile", params, signal);
    const made = voucherFromJson(Voucher);
    const claims = InPlaceOf.map((one): SignedVoucher => voucherFromJson(one));
    const sum = claims.reduce((total, { amount }) => total + amount, 0n);
    const text = voucherText(made);
    say(
      options.json,
      {
        voucher: text,
        lane: `${made.lane}`,
        amount: `${made.amount}`,
        lanes: claims.map(({ lane }) => `${lane}`),
        sum: `${sum}`,
      },
      [
        `${filText(made.amount)} in lane ${made.lane}, in place of ${filText(sum)} in lanes ${claims.map(({ lane }) => lane).join(", ")}`,
        text,
        `to redeem it: ${nextCommand(`filigree paych voucher submit ${channel} <voucher>`, options)}`,
      ],
    );
  });
}

async function policy({ answer, minDifference, ...options }: PolicyOptions): Promise<void> {
  const remote = await Remote.open(options);
  let found = await remote.call<Policy>("Filigree.PaychReconcilePolicy");
  if (answer !== undefined || minDifference !== undefined) {
    found = {
      Accept: answer === undefined ? found.Accept : answer === "yes",
      MinDifference: minDifference === undefined ? found.MinDifference : minDifference.toString(),
    };
    await remote.call("Filigree.PaychSetReconcilePolicy", found);
  }
  say(options.json, { accept: found.Accept, minDifference: found.MinDifference }, [
    found.Accept
      ? `one voucher is made in place of several for at least ${filText(found.MinDifference)} less than their sum`
      : "no voucher is made in place of others",
  ]);
}
