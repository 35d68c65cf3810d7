/**
 * Filecoin.Msig*: messages to multisig wallets. At `/rpc/v1` each method gives the message, to be numbered, priced and signed
 * (`MpoolPushMessage`); at `/rpc/v0` the node does that itself and gives the CID.
 */
import { toBase64 } from "../../base/bytes.ts";
import { blake2b256 } from "../../base/digests.ts";
import { actorCodes } from "../../params/actor-codes.ts";
import { multisig } from "../../schema/actors/multisig.ts";
import { describeCode, encodeMethodParams } from "../../state/state-view.ts";
import type { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import { type Message, signedMessageCid } from "../../types/message.ts";
import { type Json, jsonToCbor } from "../../types/schema-codec.ts";
import { INIT } from "../../types/singletons.ts";
import { actorMethod, address, amount, bytes, epoch, link, prototype } from "../codec/chain-types.ts";
import { boolean, integer, list } from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { group, type Method, type MethodContext, method, type Params, type ParamValues, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { idAt } from "../view.ts";
import { allowed } from "./gas.ts";
import { pushMessage, unpriced } from "./mpool.ts";

const EXEC = 2n;
const PROPOSE = 2n;
const APPROVE = 3n;
const CANCEL = 4n;
const ADD_SIGNER = 5n;
const REMOVE_SIGNER = 6n;
const SWAP_SIGNER = 7n;
/** Signers of a wallet. Source: specs-actors builtin/multisig (SignersMax). */
const MAX_SIGNERS = 256;

const transactionId = integer(0, Number.MAX_SAFE_INTEGER);

function codeOf(node: NodeServices, name: string): CID {
  const { bundles } = node.network;
  const version = node.states.networkVersionAt(node.chain.head.height + 1);
  const code = actorCodes(bundles, version)?.get(name);
  return code ?? badParams(`no code of ${name} at network version ${version}`);
}

function paramsOf(node: NodeServices, number: bigint, json: Json): Uint8Array {
  return encodeMethodParams(codeOf(node, "multisig"), number, json, node.network.prefix);
}

type Call = { readonly to: Address; readonly value: bigint; readonly method: bigint; readonly params: Uint8Array };

function spelt(call: Call): { To: string; Value: string; Method: string; Params: string } {
  if (call.value < 0n) badParams("value: must not be negative");
  const { to, value, method: number, params } = call;
  return { To: to.toString(), Value: value.toString(), Method: number.toString(), Params: toBase64(params) };
}

function propose(node: NodeServices, wallet: Address, from: Address, call: Call): Message {
  return unpriced({ from, to: wallet, value: 0n, method: PROPOSE, params: paramsOf(node, PROPOSE, spelt(call)) });
}

type Proposal = { readonly proposer: Address; readonly call: Call };

/** Approves or cancels; with the proposal's parts, only if it is that proposal. */
async function decide(
  node: NodeServices,
  number: bigint,
  wallet: Address,
  from: Address,
  id: number,
  proposal?: Proposal,
): Promise<Message> {
  const hash = proposal === undefined ? null : toBase64(await proposalHash(node, proposal));
  const params = paramsOf(node, number, { ID: id, ProposalHash: hash });
  return unpriced({ from, to: wallet, value: 0n, method: number, params });
}

async function proposalHash(node: NodeServices, { proposer, call }: Proposal): Promise<Uint8Array> {
  const requester = await idAt(node, proposer, []);
  const found = describeCode(codeOf(node, "multisig"));
  const actorsVersion = found?.actorsVersion ?? badParams("multisig: not described");
  const context = { module: multisig.module, actorsVersion, prefix: node.network.prefix };
  const json = { Requester: requester.toString(), ...spelt(call) };
  return blake2b256(jsonToCbor({ kind: "ref", name: "ProposalHashData" }, json, context));
}

function change(node: NodeServices, wallet: Address, number: bigint, json: Json): Call {
  return { to: wallet, value: 0n, method: number, params: paramsOf(node, number, json) };
}

const addSigner = (node: NodeServices, wallet: Address, signer: Address, increase: boolean): Call =>
  change(node, wallet, ADD_SIGNER, { Signer: signer.toString(), Increase: increase });
const swapSigner = (node: NodeServices, wallet: Address, from: Address, to: Address): Call =>
  change(node, wallet, SWAP_SIGNER, { From: from.toString(), To: to.toString() });

function create(
  node: NodeServices,
  required: number,
  signers: readonly Address[],
  duration: number,
  value: bigint,
  from: Address,
): Message {
  if (signers.length < required) badParams(`required: ${required} approvals of ${signers.length} signers`);
  const threshold = required === 0 ? signers.length : required;
  const made = {
    Signers: signers.map((one) => one.toString()),
    NumApprovalsThreshold: threshold,
    UnlockDuration: duration,
    StartEpoch: 0,
  };
  const inner = paramsOf(node, 1n, made);
  const exec = { CodeCID: { "/": codeOf(node, "multisig").toString() }, ConstructorParams: toBase64(inner) };
  const params = encodeMethodParams(codeOf(node, "init"), EXEC, exec, node.network.prefix);
  return unpriced({ from, to: INIT, value, method: EXEC, params });
}

const wallet = param("multisig", address);
const from = param("from", address);
const id = param("transactionId", transactionId);
const proposer = param("proposer", address);
const signer = param("signer", address);
const increase = param("increase", boolean);
const callParams = [
  param("to", address),
  param("value", amount),
  from,
  param("method", actorMethod),
  param("params", bytes()),
] as const;

type Builder<P extends Params> = {
  readonly summary: string;
  readonly params: P;
  readonly build: (values: ParamValues<P>, node: NodeServices) => Message | Promise<Message>;
};

/** A method that gives the message which it builds. */
function prototypeOf<const P extends Params>({ summary, params, build }: Builder<P>) {
  const run = async (values: ParamValues<P>, { node }: MethodContext) => ({
    Message: await build(values, node),
    ValidNonce: false,
  });
  return { ...method<P, typeof prototype>({ summary, params, permission: "sign", result: prototype, run }), build };
}

/** The same for the older interface: the node sends the message. */
function sending({ summary, params, build }: Builder<never>): Method {
  const run = async (values: never, { node }: MethodContext) =>
    signedMessageCid(await pushMessage(node, await build(values, node), allowed(null)));
  return method({ summary, params, permission: "sign", result: link, cost: "execute", run: run as never }) as Method;
}

const shared = {
  MsigCreate: prototypeOf({
    summary:
      "Makes a multisig wallet that needs some approvals of its signers, with an amount that unlocks over a time.",
    params: [
      param("required", integer(0, MAX_SIGNERS)),
      param("signers", list(address, MAX_SIGNERS)),
      param("unlockDuration", epoch),
      param("value", amount),
      from,
      param("gasPrice", amount),
    ],
    build: ([required, signers, duration, value, sender], node) =>
      create(node, required, signers, duration, value, sender),
  }),
  MsigPropose: prototypeOf({
    summary: "Proposes a message.",
    params: [wallet, ...callParams],
    build: ([msig, to, value, sender, number, params], node) =>
      propose(node, msig, sender, { to, value, method: number, params }),
  }),
  MsigApprove: prototypeOf({
    summary: "Approves a proposal.",
    params: [wallet, id, from],
    build: ([msig, number, sender], node) => decide(node, APPROVE, msig, sender, number),
  }),
  MsigApproveTxnHash: prototypeOf({
    summary: "Approves a proposal if it is the one that is described.",
    params: [wallet, id, proposer, ...callParams],
    build: ([msig, number, by, to, value, sender, called, params], node) =>
      decide(node, APPROVE, msig, sender, number, { proposer: by, call: { to, value, method: called, params } }),
  }),
  MsigCancelTxnHash: prototypeOf({
    summary: "Cancels a proposal of one's own if it is the one that is described.",
    params: [wallet, id, ...callParams],
    build: ([msig, number, to, value, sender, called, params], node) =>
      decide(node, CANCEL, msig, sender, number, { proposer: sender, call: { to, value, method: called, params } }),
  }),
  MsigAddPropose: prototypeOf({
    summary: "Proposes a new signer, perhaps with one more approval needed from then on.",
    params: [wallet, from, signer, increase],
    build: ([msig, sender, one, more], node) => propose(node, msig, sender, addSigner(node, msig, one, more)),
  }),
  MsigAddApprove: prototypeOf({
    summary: "Approves the proposal of a new signer.",
    params: [wallet, from, id, proposer, signer, increase],
    build: ([msig, sender, number, by, one, more], node) =>
      decide(node, APPROVE, msig, sender, number, { proposer: by, call: addSigner(node, msig, one, more) }),
  }),
  MsigAddCancel: prototypeOf({
    summary: "Cancels one's own proposal of a new signer.",
    params: [wallet, from, id, signer, increase],
    build: ([msig, sender, number, one, more], node) =>
      decide(node, CANCEL, msig, sender, number, { proposer: sender, call: addSigner(node, msig, one, more) }),
  }),
  MsigSwapPropose: prototypeOf({
    summary: "Proposes to replace a signer.",
    params: [wallet, from, param("oldSigner", address), param("newSigner", address)],
    build: ([msig, sender, old, next], node) => propose(node, msig, sender, swapSigner(node, msig, old, next)),
  }),
  MsigSwapApprove: prototypeOf({
    summary: "Approves the proposal to replace a signer.",
    params: [wallet, from, id, proposer, param("oldSigner", address), param("newSigner", address)],
    build: ([msig, sender, number, by, old, next], node) =>
      decide(node, APPROVE, msig, sender, number, { proposer: by, call: swapSigner(node, msig, old, next) }),
  }),
  MsigSwapCancel: prototypeOf({
    summary: "Cancels one's own proposal to replace a signer.",
    params: [wallet, from, id, param("oldSigner", address), param("newSigner", address)],
    build: ([msig, sender, number, old, next], node) =>
      decide(node, CANCEL, msig, sender, number, { proposer: sender, call: swapSigner(node, msig, old, next) }),
  }),
  MsigRemoveSigner: prototypeOf({
    summary: "Proposes to remove a signer, perhaps with one approval fewer needed from then on.",
    params: [wallet, from, signer, param("decrease", boolean)],
    build: ([msig, sender, one, less], node) =>
      propose(node, msig, sender, change(node, msig, REMOVE_SIGNER, { Signer: one.toString(), Decrease: less })),
  }),
};

export const msigGroup = group(
  "Msig: messages",
  "Messages to multisig wallets, to be sent with MpoolPushMessage.",
  {
    ...shared,
    MsigCancel: prototypeOf({
      summary: "Cancels a proposal of one's own.",
      params: [wallet, id, from],
      build: ([msig, number, sender], node) => decide(node, CANCEL, msig, sender, number),
    }),
  },
  ["v1"],
);

/** The older interface's cancel checks the proposal, as the newer one's MsigCancelTxnHash does. */
export const msigV0Group = group(
  "Msig: messages, v0",
  "Messages to multisig wallets, which the node signs and sends.",
  Object.fromEntries(
    Object.entries({ ...shared, MsigCancel: shared.MsigCancelTxnHash })
      .filter(([name]) => name !== "MsigCancelTxnHash")
      .map(([name, made]) => [name, sending(made as unknown as Builder<never>)]),
  ),
  ["v0"],
);
