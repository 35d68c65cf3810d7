/** A miner's actor on a running node, for commands: what it is, and messages to it that are sent and waited for. */

import { describeError } from "../base/errors.ts";
import type { MinerCall, MinerMessages } from "../miner/chain-side/calls.ts";
import { MinerError } from "../miner/chain-side/errors.ts";
import { minerMessages } from "../miner/chain-side/messages.ts";
import { RpcChain } from "../miner/chain-side/rpc-chain.ts";
import { senderFor } from "../miner/chain-side/sender.ts";
import { Address } from "../types/address.ts";
import { signedMessageCid } from "../types/message.ts";
import { type Found, inclusionEpoch, inclusionText } from "./inclusion.ts";
import { interruptible } from "./interrupt.ts";
import { NodeRefusal, nextCommand, Remote, type RemoteOptions, say } from "./remote.ts";

export type ActorOptions = RemoteOptions & {
  /** Address or name of the miner. */
  readonly actor: string;
};
export type SendOptions = ActorOptions & { readonly wait?: boolean; readonly confidence?: number };

/** Seconds that a message is waited for. */
const WAIT_SECONDS = 3600;
const POLL_MS = 1000;

export type OpenMiner = {
  readonly remote: Remote;
  readonly chain: RpcChain;
  readonly calls: MinerMessages;
  /** As the network spells it. */
  readonly name: string;
};

export async function openMiner(options: ActorOptions): Promise<OpenMiner> {
  const remote = await Remote.open(options);
  const prefix = await remote.prefix();
  const given = await remote.address(options.actor, "--actor");
  const name = await remote.call<string>("StateLookupID", given, null);
  const miner = Address.parse(name);
  const chain = new RpcChain({
    ...{ miner, prefix, pollMs: POLL_MS },
    request: (method, ...params) => remote.call(method, ...params),
    isRefusal: (error) => error instanceof NodeRefusal,
  });
  const { networkVersion } = await chain.head();
  return { remote, chain, calls: minerMessages(miner, networkVersion, prefix), name };
}

/** What is said of an executed message beside that: further fields of the JSON object, and lines of text. */
export type Outcome = { readonly value: object; readonly lines: readonly string[] };

export type Told = {
  /** What came of an executed message. */
  readonly outcome?: (cid: string, epoch: number) => Promise<Outcome>;
  /** What may be why it is refused, if it is, and what to do then. */
  readonly advice?: () => Promise<readonly string[]>;
};

/** Sends a message of the miner with a key of the node's wallet and, unless it is told not to, waits until it was executed. */
export async function sendAndWait(
  { remote, chain }: OpenMiner,
  call: MinerCall,
  options: SendOptions,
  { outcome, advice = async () => [] }: Told = {},
): Promise<void> {
  const from = await senderFor(chain, call);
  const { name, to, method, params, value, maxFee } = call;
  const signed = await chain
    .send({ name, to, from, method, params, value }, { maxFee }, async () => undefined)
    .catch(async (error: unknown) => {
      if (!(error instanceof MinerError) || error.data.code !== "REFUSED") throw error;
      const told = await advice().catch(() => []);
      if (told.length === 0) throw error;
      throw new MinerError(error.data, `${describeError(error)}; ${told.join("; ")}`);
    });
  const cid = `${signedMessageCid(signed)}`;
  if (options.wait === false) {
    say(options.json, { cid, method: call.name }, [`${call.name} sent: ${cid}`]);
    return;
  }
  const found = await interruptible(
    (signal) =>
      remote.wait<{ readonly Receipt: { readonly ExitCode: number } } & Found>(
        "StateWaitMsg",
        [{ "/": cid }, options.confidence ?? 0, -1, true],
        AbortSignal.any([signal, AbortSignal.timeout(WAIT_SECONDS * 1000)]),
      ),
    // It is sent: the command itself would send another.
    nextCommand(`filigree wait ${cid}`, options),
  );
  const { ExitCode: exitCode } = found.Receipt;
  const included = await inclusionEpoch(remote, found);
  const where = inclusionText(included, found);
  const result = { cid, method: call.name, exitCode, includedEpoch: included, epoch: found.Height };
  if (exitCode !== 0) throw new Error(`${call.name} failed with exit code ${exitCode}; ${where}: ${cid}`);
  const more = (await outcome?.(cid, found.Height)) ?? { value: {}, lines: [] };
  say(options.json, { ...result, ...more.value }, [`${call.name} ${where}: ${cid}`, ...more.lines]);
}
