/** A local network with something of everything: messages, a multisig wallet with a proposal, a payment channel. */
import { toBase64 } from "../../src/base/bytes.ts";
import { signBytes, signMessage } from "../../src/keys/keys.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { paych } from "../../src/schema/actors/paych.ts";
import { encodeMethodParams } from "../../src/state/state-view.ts";
import { cidOfText } from "../../src/types/cid.ts";
import { signedMessageFromJson, signedMessageToJson } from "../../src/types/message.ts";
import { jsonToCbor } from "../../src/types/schema-codec.ts";
import { TEST_OPTIONS } from "./devnet.ts";

type Json = Record<string, unknown>;
type Signed = { readonly CID: Json; readonly Message: Json & { readonly CID: Json } };

export type RpcNetwork = {
  readonly net: Devnet;
  readonly alice: string;
  readonly bob: string;
  readonly carol: string;
  readonly miner: string;
  readonly wallet: string;
  readonly channel: string;
  /** A channel that the node has made from alice to carol, with free funds in it, and the message that made it. */
  readonly paying: string;
  readonly madeBy: Json;
  /** A message that was executed, its CID, the block that carries it and the key of the tipset on top. */
  readonly sent: Signed;
  readonly block: Json;
  readonly carrier: readonly Json[];
  readonly head: readonly Json[];
};

const CODE = (name: string): Json => ({ "/": `${cidOfText(`fil/2/${name}`)}` });

/** Sends a message through the node and mines it; gives its return value, decoded. */
async function send(net: Devnet, message: Json): Promise<{ signed: Signed; returned: Json }> {
  const signed = (await net.request("MpoolPushMessage", message, null)) as Signed;
  await net.clock.mine(2);
  const lookup = (await net.request("StateSearchMsg", [], signed.CID, -1, true)) as {
    Receipt: { ExitCode: number };
    ReturnDec: Json;
  };
  if (lookup.Receipt.ExitCode !== 0) throw new Error(`exit code ${lookup.Receipt.ExitCode}`);
  return { signed, returned: lookup.ReturnDec };
}

export async function openRpcNetwork(): Promise<RpcNetwork> {
  const net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, onShutdown: () => undefined });
  await net.clock.mine(1);
  const [alice, bob, carol] = net.accounts.map(({ secp256k1 }) => secp256k1.toString("t")) as [string, string, string];
  const create = async (name: string, params: Json, value: string): Promise<string> => {
    const inner = toBase64(encodeMethodParams(cidOfText(`fil/2/${name}`), 1n, params as never, "t"));
    const exec = { CodeCID: CODE(name), ConstructorParams: inner };
    const bytes = toBase64(encodeMethodParams(cidOfText("fil/2/init"), 2n, exec as never, "t"));
    const message = { From: alice, To: "t01", Value: value, Method: 2, Params: bytes };
    return (await send(net, message)).returned["IDAddress"] as string;
  };
  const signers = { Signers: [alice, bob], NumApprovalsThreshold: 2, UnlockDuration: 1000, StartEpoch: 0 };
  const wallet = await create("multisig", signers, "5000000");
  const channel = await create("paymentchannel", { From: alice, To: bob }, "9000000");
  const propose = (await net.request("MsigPropose", wallet, carol, "1000", alice, 0, null)) as { Message: Json };
  await send(net, propose.Message);
  const { WaitSentinel: madeBy } = (await net.request("PaychFund", alice, carol, "1000")) as { WaitSentinel: Json };
  await net.clock.mine(8);
  const paying = (await net.request("PaychGetWaitReady", madeBy)) as string;
  const { signed } = await send(net, { From: alice, To: bob, Value: "12345", Method: 0, Params: null });
  const head = (await net.request("ChainHead")) as { Cids: Json[]; Blocks: { Parents: Json[] }[] };
  const top = head.Blocks[0]?.Parents as Json[];
  const carried = (await net.request("ChainGetTipSet", top)) as { Cids: Json[] };
  return {
    ...{ net, alice, bob, carol, wallet, channel, paying, madeBy, sent: signed },
    miner: net.miner.toString("t"),
    block: carried.Cids[0] as Json,
    carrier: carried.Cids,
    head: head.Cids,
  };
}

/** A voucher of an account, signed. */
export function signedVoucher(net: Devnet, account: number, given: Json): Json {
  const none = { TimeLockMin: 0, TimeLockMax: 0, Extra: null, MinSettleHeight: 0, Merges: null };
  const context = { module: paych.module, actorsVersion: 2, prefix: "t" } as const;
  const unsigned = { ...none, ...given, SecretPreimage: null, Signature: null };
  const bytes = jsonToCbor({ kind: "ref", name: "SignedVoucher" }, unsigned as never, context);
  const { type, data } = signBytes(net.services.crypto, net.accounts[account]?.keys.secp256k1 as never, bytes);
  return { ...none, ...given, SecretHash: "", Signature: { Type: type, Data: toBase64(data) } };
}

/** A signed message of an account, as JSON, which nobody has sent yet. */
export async function signedJson(net: Devnet, account: number, message: Json, nonce: number): Promise<Json> {
  const [from, key] = [net.accounts[account]?.secp256k1, net.accounts[account]?.keys.secp256k1];
  const full = { From: from?.toString("t"), Nonce: nonce, Method: 0, Params: null, ...message };
  const fees = { GasLimit: 2_000_000, GasFeeCap: "200000000", GasPremium: "100000" };
  const bare = signedMessageFromJson({ Message: { ...fees, ...full }, Signature: { Type: 1, Data: "" } });
  return signedMessageToJson(signMessage(net.services.crypto, key as never, bare.message), "t");
}
