/**
 * Filecoin.Paych*, those that need nothing but the chain and this node's keys: which channels there are, whether vouchers
 * are good, and messages to channels. Vouchers are not kept: whoever was given one keeps it.
 */
import { toBase64 } from "../../base/bytes.ts";
import { type KeyCrypto, verifyBytes } from "../../keys/keys.ts";
import { paych } from "../../schema/actors/paych.ts";
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { type ActorEntry, describeCode, encodeMethodParams } from "../../state/state-view.ts";
import { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import { type Message, signatureFromJson, signedMessageCid } from "../../types/message.ts";
import { type Json, jsonToCbor } from "../../types/schema-codec.ts";
import { address, bytes, link } from "../codec/chain-types.ts";
import { boolean, type Codec, expected, integer, list, nothing, object } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { keyAt, orNotFound, viewAt } from "../view.ts";
import { allowed } from "./gas.ts";
import { MANY } from "./miner-shapes.ts";
import { pushMessage, unpriced } from "./mpool.ts";

const PAYCH = "paymentchannel";
const UPDATE = 2n;
const SETTLE = 3n;
const COLLECT = 4n;
/** Longest secret and proof, bytes. */
const MAX_SECRET = 4096;

/** A voucher in the network's JSON, in which the hash of the secret has another name than in the state. */
const voucher: Codec<JsonObject, JsonObject> = {
  schema: { title: "SignedVoucher", type: "object", required: ["ChannelAddr", "Lane", "Nonce", "Amount"] },
  decode(json, path) {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return expected(path, "SignedVoucher", json);
    const { SecretHash: hash, SecretPreimage: preimage, ...rest } = json as Record<string, Json>;
    const zeros = { TimeLockMin: 0, TimeLockMax: 0, Extra: null, MinSettleHeight: 0, Merges: null, Signature: null };
    return { ...zeros, ...rest, SecretPreimage: hash ?? preimage ?? null };
  },
  encode: (value) => value,
};

type Channel = {
  readonly entry: ActorEntry;
  readonly state: ObjectReader;
  /** Key addresses of the payer and of the payee. */
  readonly from: Address;
  readonly to: Address;
};

async function openChannel(node: NodeServices, channel: Address): Promise<Channel> {
  const entry = await orNotFound((await viewAt(node, [])).requireActor(channel));
  if (describeCode(entry.code)?.actor.name !== PAYCH)
    return badParams(`channel: ${channel.toString(node.network.prefix)} is no payment channel`);
  const state = await ObjectReader.open(node.chain.blocks, entry, node.network.prefix);
  const party = (name: string): Promise<Address> => keyAt(node, Address.parse(state.field(name) as string), []);
  return { entry, state, from: await party("From"), to: await party("To") };
}

/** The party of a channel whose key this node has; the payer if it has both. */
function controlOf(
  node: NodeServices,
  { from, to }: Channel,
): { readonly address: Address; readonly outbound: boolean } {
  if (node.keystore.has(from)) return { address: from, outbound: true };
  if (node.keystore.has(to)) return { address: to, outbound: false };
  throw new RpcError(RPC_CODE.untyped, "this node has no key of the channel's parties");
}

/** Bytes that a voucher's signature is made over: the voucher without it. */
function signedBytes(node: NodeServices, { entry }: Channel, given: JsonObject): Uint8Array {
  const actorsVersion = describeCode(entry.code)?.actorsVersion ?? badParams("channel: not described");
  const context = { module: paych.module, actorsVersion, prefix: node.network.prefix };
  return jsonToCbor({ kind: "ref", name: "SignedVoucher" }, { ...given, Signature: null }, context);
}

type Lane = { readonly redeemed: bigint; readonly nonce: bigint };

async function lanesOf({ state }: Channel): Promise<Map<bigint, Lane>> {
  const lanes = new Map<bigint, Lane>();
  for await (const [id, lane] of state.elements("LaneStates")) {
    const { Redeemed, Nonce } = lane as JsonObject;
    lanes.set(id, { redeemed: BigInt(Redeemed as string), nonce: BigInt(Nonce as number | string) });
  }
  return lanes;
}

/** Throws what is wrong with a voucher on the chain's present state. */
async function checkVoucher(node: NodeServices, address: Address, given: JsonObject): Promise<void> {
  const channel = await openChannel(node, address);
  const data = signedBytes(node, channel, given);
  const refuse = (why: string): never => {
    throw new RpcError(RPC_CODE.untyped, why);
  };
  if (!Address.parse(given["ChannelAddr"] as string).equals(address))
    refuse(`voucher ChannelAddr doesn't match channel address, got ${given["ChannelAddr"]}`);
  if (given["Extra"] !== null) refuse("voucher is Message Locked");
  if (given["TimeLockMax"] !== 0) refuse("voucher is Max Time Locked");
  if (given["TimeLockMin"] !== 0) refuse("voucher is Min Time Locked");
  if (((given["SecretPreimage"] as string | null) ?? "") !== "") refuse("voucher is Hash Locked");
  const signature = given["Signature"] === null ? null : signatureFromJson(given["Signature"]);
  if (signature === null || !verifyBytes(node.crypto as KeyCrypto, signature, channel.from, data))
    refuse("the voucher's signature is not the payer's");
  const [laneId, nonce] = [BigInt(given["Lane"] as number | string), BigInt(given["Nonce"] as number | string)];
  const amount = BigInt(given["Amount"] as string);
  const lanes = await lanesOf(channel);
  const lane = lanes.get(laneId);
  if (lane !== undefined && nonce <= lane.nonce) refuse("nonce too low");
  if (lane !== undefined && amount <= lane.redeemed)
    refuse("voucher amount is lower than amount for voucher with lower nonce");
  let total = amount - (lane?.redeemed ?? 0n);
  for (const { redeemed } of lanes.values()) total += redeemed;
  if (channel.entry.balance < total)
    refuse(`not enough funds in channel to cover voucher - shortfall: ${filText(total - channel.entry.balance)}`);
  if (((given["Merges"] as readonly Json[] | null) ?? []).length > 0)
    refuse("don't currently support paych lane merges");
}

/** The message that redeems a voucher for the payee. */
async function redeeming(
  node: NodeServices,
  address: Address,
  given: JsonObject,
  secret: Uint8Array,
  proof: Uint8Array,
) {
  const channel = await openChannel(node, address);
  const json = { Sv: given, Secret: toBase64(secret), Proof: toBase64(proof) };
  const params = encodeMethodParams(channel.entry.code, UPDATE, json, node.network.prefix);
  return unpriced({ from: channel.to, to: address, value: 0n, method: UPDATE, params });
}

async function send(node: NodeServices, message: Message): Promise<CID> {
  return signedMessageCid(await pushMessage(node, message, allowed(null)));
}

async function control(node: NodeServices, address: Address, number: bigint): Promise<CID> {
  const { address: from } = controlOf(node, await openChannel(node, address));
  return send(node, unpriced({ from, to: address, value: 0n, method: number, params: new Uint8Array(0) }));
}

const channelParam = param("channel", address);
const redeemParams = [
  channelParam,
  param("voucher", voucher),
  param("secret", bytes(MAX_SECRET)),
  param("proof", bytes(MAX_SECRET)),
] as const;

export const paychGroup = group("Paych", "Payment channels, as far as the chain and this node's keys tell.", {
  PaychList: method({
    summary: "Payment channels that pay or are paid to a key of this node.",
    result: list(address, MANY),
    cost: "walk",
    async run(_, { node, signal }) {
      const breath = breather(signal);
      const out: Address[] = [];
      for await (const [one, entry] of (await viewAt(node, [])).entries()) {
        await breath();
        if (describeCode(entry.code)?.actor.name !== PAYCH) continue;
        const { from, to } = await openChannel(node, one);
        if (node.keystore.has(from) || node.keystore.has(to)) out.push(one);
      }
      return out;
    },
  }),
  PaychStatus: method({
    summary: "Which key of this node controls a channel, and whether the channel pays (2) or is paid (1).",
    params: [channelParam],
    result: object("PaychStatus", { ControlAddr: address, Direction: integer(1, 2) }),
    async run([channel], { node }) {
      const { address: key, outbound } = controlOf(node, await openChannel(node, channel));
      return { ControlAddr: key, Direction: outbound ? 2 : 1 };
    },
  }),
  PaychVoucherCheckValid: method({
    summary: "Ends with what is wrong with a voucher on the present state: signature, lane, amount, funds.",
    params: [channelParam, param("voucher", voucher)],
    result: nothing,
    async run([channel, given], { node }) {
      await checkVoucher(node, channel, given);
      return null;
    },
  }),
  PaychVoucherCheckSpendable: method({
    summary: "Whether redeeming a voucher would succeed now, with a secret and a proof if it needs them.",
    params: redeemParams,
    result: boolean,
    cost: "execute",
    async run([channel, given, secret, proof], { node }) {
      const message = await redeeming(node, channel, given, secret, proof);
      return (await node.states.call(message, node.chain.head)).receipt.exitCode === 0;
    },
  }),
  PaychVoucherSubmit: method({
    summary: "Sends a voucher to its channel in the payee's name.",
    permission: "sign",
    params: redeemParams,
    result: link,
    cost: "execute",
    run: async ([channel, given, secret, proof], { node }) =>
      send(node, await redeeming(node, channel, given, secret, proof)),
  }),
  PaychSettle: method({
    summary: "Begins to settle a channel: vouchers can be redeemed for some hours more.",
    permission: "sign",
    params: [channelParam],
    result: link,
    cost: "execute",
    run: ([channel], { node }) => control(node, channel, SETTLE),
  }),
  PaychCollect: method({
    summary: "Pays out a settled channel and removes it.",
    permission: "sign",
    params: [channelParam],
    result: link,
    cost: "execute",
    run: ([channel], { node }) => control(node, channel, COLLECT),
  }),
});
