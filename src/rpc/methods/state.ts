/** Filecoin.State*: actors, addresses, decoded state, calls without consequences, and waiting for messages. */

import { toBase64 } from "../../base/bytes.ts";
import type { NetworkParams } from "../../params/networks.ts";
import { networkVersionAt, upgradeHeights } from "../../params/networks.ts";
import { decodeMethodData, encodeMethodParams, StateError, StateView } from "../../state/state-view.ts";
import { linkToJson } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import { type Message, messageCid, messageFromJson, messageToJson, receiptToJson } from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
import { addressAt, booleanAt, bytesAt, cidAt, cidFrom, epochAt, integerAt, keyAt } from "../arguments.ts";
import type { MethodTable, Params } from "../dispatcher.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import type { CallOutcome, NodeServices } from "../services.ts";
import { read } from "./common.ts";
import { type FoundMessage, findMessage, waitForMessage } from "./wait.ts";

/** The state after a tipset, by key. */
export async function viewAt(node: NodeServices, key: readonly CID[]): Promise<StateView> {
  const tipset = await node.chain.tipset(key);
  return StateView.open(node.chain.blocks, (await node.chain.result(tipset)).stateRoot);
}

/** Turns "no such actor" into the network's error. */
export async function orNotFound<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StateError && error.code === "ACTOR_NOT_FOUND")
      throw new RpcError(RPC_CODE.actorNotFound, "actor not found");
    throw error;
  }
}

export function stateMethods(node: NodeServices): MethodTable {
  const { letter } = node.network;
  const view = (params: Params, at: number): Promise<StateView> => viewAt(node, keyAt(params, at));
  return {
    "Filecoin.StateNetworkName": read(() => node.network.name),
    "Filecoin.StateNetworkVersion": read(async (params) => {
      const tipset = await node.chain.tipset(keyAt(params, 0));
      return networkVersionAt(node.network, tipset.height);
    }),
    "Filecoin.StateGetNetworkParams": read(async () => {
      const genesis = await node.chain.genesis();
      return networkParams(node.network, genesis.blocks[0]?.timestamp ?? 0n);
    }),
    "Filecoin.StateGetActor": read(async (params) => {
      const actor = await orNotFound((await view(params, 1)).requireActor(addressAt(params, 0, "address")));
      return {
        Code: linkToJson(actor.code),
        Head: linkToJson(actor.head),
        Nonce: Number(actor.nonce),
        Balance: actor.balance.toString(),
        DelegatedAddress: null,
      };
    }),
    "Filecoin.StateReadState": read(async (params) => {
      const state = await view(params, 1);
      const actor = await orNotFound(state.requireActor(addressAt(params, 0, "address")));
      return {
        Balance: actor.balance.toString(),
        Code: linkToJson(actor.code),
        State: await state.stateJson(actor, letter),
      };
    }),
    "Filecoin.StateDecodeParams": read(async (params) => {
      const actor = await orNotFound((await view(params, 3)).requireActor(addressAt(params, 0, "address")));
      const method = integerAt(params, 1, "method");
      return decodeMethodData(actor.code, method, "params", bytesAt(params, 2, "params"), letter);
    }),
    "Filecoin.StateEncodeParams": read((params) => {
      const code = cidAt(params, 0, "code");
      return toBase64(encodeMethodParams(code, integerAt(params, 1, "method"), params[2] as Json, letter));
    }),
    "Filecoin.StateLookupID": read(async (params) => {
      const id = await orNotFound((await view(params, 1)).requireId(addressAt(params, 0, "address")));
      return id.toString(letter);
    }),
    "Filecoin.StateAccountKey": read(async (params) => {
      const key = await orNotFound((await view(params, 1)).accountKey(addressAt(params, 0, "address")));
      return key.toString(letter);
    }),
    "Filecoin.StateLookupRobustAddress": read(async (params) => {
      const state = await view(params, 1);
      const address = addressAt(params, 0, "address");
      if (address.actorId === null) return address.toString(letter);
      await orNotFound(state.requireActor(address));
      const robust = await state.robustAddress(address);
      if (robust === null) throw new RpcError(RPC_CODE.untyped, `${address.toString(letter)} has no robust address`);
      return robust.toString(letter);
    }),
    "Filecoin.StateListActors": read(async (params) => {
      const out: string[] = [];
      for await (const [address] of (await view(params, 0)).entries()) out.push(address.toString(letter));
      return out;
    }),
    "Filecoin.StateCall": read(async (params) => {
      const message = messageFromJson(params[0]);
      const outcome = await node.simulator.call(message, await node.chain.tipset(keyAt(params, 1)));
      return invocation(node, message, outcome);
    }),
    "Filecoin.StateSearchMsg": read(async (params) => {
      // v1: (tipset key, message, lookback limit, allow replaced); v0: (message).
      const [cid, at] = Array.isArray(params[0]) || params[0] === null ? [params[1], 1] : [params[0], 0];
      const limit = epochAt(params, at + 1, "lookback limit", -1);
      const found = await findMessage(node, cidFrom(cid, "message"), limit, booleanAt(params, at + 2, true));
      return found === null ? null : lookup(node, found);
    }),
    "Filecoin.StateWaitMsg": read(async (params, { signal }) => {
      const confidence = epochAt(params, 1, "confidence", 0);
      const limit = epochAt(params, 2, "lookback limit", -1);
      const found = await waitForMessage(
        node,
        cidAt(params, 0, "message"),
        confidence,
        limit,
        booleanAt(params, 3, true),
        signal,
      );
      return lookup(node, found);
    }),
    "Filecoin.StateGetReceipt": read(async (params) => {
      const found = await findMessage(node, cidAt(params, 0, "message"), -1, true);
      return found === null ? badParams("message not found on the chain") : receiptToJson(found.receipt);
    }),
  };
}

function invocation(node: NodeServices, message: Message, outcome: CallOutcome) {
  const { letter } = node.network;
  const msg = messageToJson(message, letter);
  const receipt = receiptToJson(outcome.receipt);
  const { cost } = outcome;
  return {
    MsgCid: linkToJson(messageCid(message)),
    Msg: msg,
    MsgRct: receipt,
    GasCost: {
      Message: linkToJson(messageCid(message)),
      GasUsed: cost.gasUsed.toString(),
      BaseFeeBurn: cost.baseFeeBurn.toString(),
      OverEstimationBurn: cost.overEstimationBurn.toString(),
      MinerPenalty: cost.minerPenalty.toString(),
      MinerTip: cost.minerTip.toString(),
      Refund: cost.refund.toString(),
      TotalCost: (cost.baseFeeBurn + cost.overEstimationBurn + cost.minerTip).toString(),
    },
    ExecutionTrace: {
      Msg: msg,
      MsgRct: receipt,
      Error: outcome.error,
      Duration: outcome.duration,
      GasCharges: null,
      Subcalls: null,
    },
    Error: outcome.error,
    Duration: Math.round(outcome.duration * 1e6),
  };
}

async function lookup(node: NodeServices, found: FoundMessage) {
  return {
    Message: linkToJson(found.cid),
    Receipt: receiptToJson(found.receipt),
    ReturnDec: await decodedReturn(node, found),
    TipSet: (found.child ?? found.tipset).key.map(linkToJson),
    Height: (found.child ?? found.tipset).height,
  };
}

async function decodedReturn(node: NodeServices, found: FoundMessage): Promise<Json> {
  if (found.receipt.return.length === 0) return null;
  try {
    const actor = await (await viewAt(node, found.tipset.key)).requireActor(found.message.to);
    return decodeMethodData(actor.code, found.message.method, "returns", found.receipt.return, node.network.letter);
  } catch {
    // An undescribed return value is no reason to hide the receipt.
    return null;
  }
}

function networkParams(network: NetworkParams, genesisTime: bigint): Json {
  return {
    NetworkName: network.name,
    BlockDelaySecs: network.blockDelaySeconds,
    ConsensusMinerMinPower: network.consensusMinerMinPower.toString(),
    SupportedProofTypes: [...network.sealProofs],
    PreCommitChallengeDelay: network.preCommitChallengeDelay,
    ForkUpgradeParams: Object.fromEntries(
      [...upgradeHeights(network)].map(([name, height]) => [`Upgrade${name}Height`, height]),
    ),
    Eip155ChainID: network.chainId,
    GenesisTimestamp: Number(genesisTime),
  };
}
