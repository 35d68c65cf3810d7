/** Filecoin.MsigGet*: what multisig wallets hold, lock and have waiting. */
import { type JsonObject, ObjectReader } from "../../state/actor-reader.ts";
import { lockedAt } from "../../state/multisig-reader.ts";
import { describeCode } from "../../state/state-view.ts";
import type { Address } from "../../types/address.ts";
import { address, amount, anyEpoch, maybeBytes, shape, type TipsetKey, tipsetKey } from "../codec/chain-types.ts";
import { list, object, spelt } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { orNotFound, viewAt } from "../view.ts";
import { MANY } from "./miner-shapes.ts";

const MULTISIG = "multisig";

/** A multisig wallet's state and balance after a tipset. */
async function openMultisig(node: NodeServices, wallet: Address, key: TipsetKey) {
  const entry = await orNotFound((await viewAt(node, key)).requireActor(wallet));
  const found = describeCode(entry.code);
  if (found?.actor.name !== MULTISIG)
    return badParams(`multisig: ${wallet.toString(node.network.prefix)} is no multisig wallet`);
  const state = await ObjectReader.open(node.chain.blocks, entry, node.network.prefix);
  return { balance: entry.balance, actorsVersion: found.actorsVersion, state };
}
const transaction = spelt<JsonObject>(
  shape("MsigTransaction", {
    ID: { type: "integer" },
    To: address.schema,
    Value: amount.schema,
    Method: { type: "integer" },
    Params: maybeBytes,
    Approved: { type: ["array", "null"], items: address.schema },
  }),
);
const of = [param("multisig", address), param("tipsetKey", tipsetKey)] as const;

export const msigStateGroup = group("Msig: state", "Multisig wallets: balances, locks, proposals.", {
  MsigGetAvailableBalance: method({
    summary: "What a multisig wallet may spend: its balance less what is locked.",
    params: of,
    result: amount,
    async run([wallet, key], { node }) {
      const { height } = await node.chain.tipset(key);
      const found = await openMultisig(node, wallet, key);
      return found.balance - lockedAt(found.state, found.actorsVersion, height);
    },
  }),
  MsigGetVestingSchedule: method({
    summary: "How a multisig wallet's lock opens: the amount, the first epoch and how many epochs it takes.",
    params: of,
    result: object("MsigVesting", { InitialBalance: amount, StartEpoch: anyEpoch, UnlockDuration: anyEpoch }),
    async run([wallet, key], { node }) {
      const { state } = await openMultisig(node, wallet, key);
      return {
        InitialBalance: BigInt(state.field("InitialBalance") as string),
        StartEpoch: state.field("StartEpoch") as number,
        UnlockDuration: state.field("UnlockDuration") as number,
      };
    },
  }),
  MsigGetVested: method({
    summary: "What a multisig wallet's lock set free between two tipsets.",
    params: [param("multisig", address), param("start", tipsetKey), param("end", tipsetKey)],
    result: amount,
    async run([wallet, start, end], { node }) {
      const [from, to] = [(await node.chain.tipset(start)).height, (await node.chain.tipset(end)).height];
      if (from > to) throw new RpcError(RPC_CODE.untyped, `start tipset ${from} is after end tipset ${to}`);
      if (from === to) return 0n;
      const { state, actorsVersion } = await openMultisig(node, wallet, end);
      return lockedAt(state, actorsVersion, from) - lockedAt(state, actorsVersion, to);
    },
  }),
  MsigGetPending: method({
    summary: "Proposals of a multisig wallet that wait for approvals.",
    params: of,
    result: list(transaction, MANY),
    cost: "walk",
    async run([wallet, key], { node, signal }) {
      const { state } = await openMultisig(node, wallet, key);
      const breath = breather(signal);
      const out: JsonObject[] = [];
      for await (const [id, proposal] of state.entries("PendingTxns")) {
        await breath();
        out.push({ ID: signedVarint(id), ...(proposal as JsonObject) });
      }
      return out.sort((a, b) => (a["ID"] as number) - (b["ID"] as number));
    },
  }),
});

/** A key of a map by signed number: zigzag in a varint. */
function signedVarint(key: Uint8Array): number {
  let value = 0n;
  key.forEach((byte, i) => {
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
  });
  return Number(value & 1n ? -((value + 1n) >> 1n) : value >> 1n);
}
