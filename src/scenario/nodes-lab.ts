/**
 * Does the steps of scenarios on a network of several nodes: simulated (`src/sim`), so that nodes are parted, stopped and slowed by call, and
 * the same steps and seed come to the same chains. Its blocks, chains, executions and the choice between forks are real.
 */
import { checkNames } from "../base/options.ts";
import { type KeyInfo, signMessage } from "../keys/keys.ts";
import type { DevAccount } from "../node/accounts.ts";
import type { SimNode } from "../sim/node.ts";
import { SteeredNetwork, type SteeredOptions } from "../sim/steered.ts";
import { EPOCH_SECONDS } from "../sim/world.ts";
import type { Address } from "../types/address.ts";
import { filText, parseFil } from "../types/amount.ts";
import { type SignedMessage, signedMessageCid } from "../types/message.ts";
import { partyOf } from "./named.ts";
import { MAX_EPOCHS, readNodesStep, secondsOf } from "./read.ts";
import type { NodesStep, NodesStepValues, NodesVerb } from "./types.ts";
import { attempt, compare, same, Unmet } from "./unmet.ts";

/** Epochs in which a message must be executed: without a block for as long, a side of a parted network has hardly a miner. */
const MESSAGE_EPOCHS = 30;
/** What a message may use and pay: enough for a new account. */
const GAS = { gasLimit: 10_000_000n, gasFeeCap: 10n ** 10n, gasPremium: 10n ** 5n };
const DEFAULTS = { seed: "scenario", nodes: 3, accounts: 10 };

type Work = { readonly [V in NodesVerb]: (value: NodesStepValues[V]) => Promise<unknown> };
/** A function for each verb. */
export type NodesSteps = { readonly [V in NodesVerb]: (value: NodesStepValues[V]) => Promise<void> };
/** A step as it was done. */
export type NodesDone = { readonly step: number; readonly verb: NodesVerb; readonly epoch: number };

export class NodesLab {
  readonly network: SteeredNetwork;
  /** Balances when the scenario began, of accounts and miners. */
  private began: ReadonlyMap<string, bigint> = new Map();
  private readonly work: Work;
  private done = 0;

  private constructor(network: SteeredNetwork) {
    this.network = network;
    this.work = this.verbs();
  }

  /** A new network, of three nodes unless told otherwise. */
  static async open(options: Partial<SteeredOptions> = {}): Promise<NodesLab> {
    checkNames<SteeredOptions>("NodesLab.open", options as SteeredOptions, { seed: true, nodes: true, accounts: true });
    const network = await SteeredNetwork.open({ ...DEFAULTS, ...options });
    const lab = new NodesLab(network);
    const all = [...network.accounts.flatMap(({ secp256k1, bls }) => [secp256k1, bls]), ...network.miners];
    const began = new Map<string, bigint>();
    for (const address of all) began.set(`${address}`, await lab.balance(network.node(0), address));
    lab.began = began;
    return lab;
  }

  /** A function for each step: `await lab.steps.part([[0], [1, 2]])`. */
  get steps(): NodesSteps {
    const names = Object.keys(this.work) as NodesVerb[];
    return Object.fromEntries(
      names.map((verb) => [
        verb,
        async (value: unknown) => void (await this.play({ [verb]: value } as unknown as NodesStep)),
      ]),
    ) as unknown as NodesSteps;
  }

  /** Does one step. Throws `ScenarioError`, which names the step, what was expected and what was found. */
  async play(step: NodesStep): Promise<NodesDone> {
    const number = ++this.done;
    const [verb, value] = readNodesStep(step, `step ${number}`);
    await attempt(number, verb, value, async (given: never) => {
      await (this.work[verb] as (given: unknown) => Promise<unknown>)(given);
      // Also after the last step, behind which no epoch passes that would tell.
      this.network.check();
    });
    return { step: number, verb, epoch: this.network.epoch };
  }

  private verbs(): Work {
    const { network } = this;
    const { links } = network;
    return {
      mine: (count) => network.pass(count),
      mineTo: async (epoch) => {
        if (epoch < network.epoch)
          throw new Error(`it is epoch ${network.epoch}; an epoch that has passed is not reached`);
        await this.passEpochs(epoch - network.epoch);
      },
      pass: (text) => this.passEpochs(Math.ceil(secondsOf(text) / EPOCH_SECONDS)),
      send: async ({ from, to, value, exit = 0, wait = true, node = 0 }) => {
        const at = network.node(node);
        const signed = await this.pushed(at, from, to, parseFil(value));
        if (wait) await this.executed(node, signed, exit);
      },
      part: async (groups) => {
        const all = this.known(groups.flat());
        if (new Set(all).size !== all.length) throw new Error("a node is in two groups");
        // Of a network that is parted into nothing, nobody reaches anybody.
        links.partition(groups.length === 0 ? [[]] : groups);
      },
      heal: async () => links.heal(),
      setNode: async ({ node, on }) => {
        if (on) network.start(node);
        else network.stop(node);
      },
      setLinks: async ({ between, ...how }) => {
        const pairs = between === undefined ? links.pairs : [this.known(between) as readonly [number, number]];
        for (const [a, b] of pairs) links.shape(a, b, how);
      },

      expectHead: async ({ node = 0, ...bounds }) =>
        compare(bounds, BigInt(network.spine(node).head.height), BigInt, (value) => `a head at epoch ${value}`),
      expectBalance: async ({ of, gained, node = 0, ...bounds }) => {
        const address = partyOf(of, network.accounts, network.miners);
        const found = await this.balance(network.node(node), address);
        compare(bounds, found, parseFil, filText);
        if (gained !== undefined)
          compare(
            { is: gained },
            found - (this.began.get(`${address}`) ?? 0n),
            parseFil,
            (value) => `${filText(value)} gained`,
          );
      },
      expectChains: async ({ is, nodes, within = 0 }) => {
        const among = this.known(nodes ?? network.indexes.filter((one) => network.isOn(one)));
        if (among.length === 0) throw new Unmet(many(is), nodes === undefined ? "no node that is up" : "no node named");
        const chains = this.chains(among, within);
        if (chains.length !== is)
          throw new Unmet(
            many(is),
            `${many(chains.length)}: of nodes ${chains.map((one) => one.join("+")).join(", ")}`,
          );
      },
      expectPeers: async ({ node = 0, are }) => {
        this.known([node, ...are]);
        same(sorted(are), sorted(links.peersOf(node)), "peers");
      },
      expectReorg: async ({ node = 0, ...bounds }) =>
        compare(
          bounds,
          BigInt(network.deepestReorg(this.known([node])[0] as number)),
          BigInt,
          (value) => `${value} tipsets reverted`,
        ),
    };
  }

  private async passEpochs(count: number): Promise<void> {
    if (count > MAX_EPOCHS) throw new Error(`one step passes ${MAX_EPOCHS} epochs at most, not ${count}`);
    await this.network.pass(count);
  }

  /** Throws for a node that the network has not. */
  private known(nodes: readonly number[]): readonly number[] {
    for (const node of nodes) this.network.spine(node);
    return nodes;
  }

  /** Groups of nodes that are on one chain, compared at the lowest of their heads less `within`. */
  private chains(nodes: readonly number[], within: number): readonly (readonly number[])[] {
    const spines = nodes.map((node) => this.network.spine(node));
    const height = Math.max(0, Math.min(...spines.map(({ head }) => head.height)) - within);
    const chains = new Map<string, number[]>();
    for (const [i, node] of nodes.entries()) {
      const key = spines[i]?.atOrBefore(height)?.key ?? "";
      chains.set(key, [...(chains.get(key) ?? []), node]);
    }
    return [...chains.values()];
  }

  private async balance({ running: { states, chain } }: SimNode, address: Address): Promise<bigint> {
    const view = await this.network.during(states.stateAfter(chain.head));
    return (await view.actor(address))?.balance ?? 0n;
  }

  private async pushed({ running }: SimNode, from: string, to: string, value: bigint): Promise<SignedMessage> {
    const { accounts, miners, net } = this.network;
    const sender = partyOf(from, accounts, miners);
    const key = keyOf(sender, accounts);
    if (key === undefined) throw new Error(`${from} is no account of this network, and cannot sign`);
    const message = { from: sender, to: partyOf(to, accounts, miners), value, method: 0n, params: new Uint8Array(0) };
    const make = async (nonce: bigint): Promise<SignedMessage> =>
      signMessage(net.crypto, key, { ...message, ...GAS, nonce });
    return this.network.during(running.pool.pushNext(sender, make));
  }

  /** Lets epochs pass until a message was executed on a node's chain. */
  private async executed(node: number, signed: SignedMessage, exit: number): Promise<void> {
    const { network } = this;
    const cid = signedMessageCid(signed);
    const options = { lookback: MESSAGE_EPOCHS, allowReplaced: true };
    for (let i = 0; i < MESSAGE_EPOCHS; i++) {
      await network.pass(1);
      const { states, chain } = network.node(node).running;
      const found = await network.during(states.search(chain.head, cid, options, signed.message));
      if (found === null) continue;
      const { exitCode } = found.receipt;
      if (exitCode !== exit) throw new Unmet(`exit code ${exit}`, `exit code ${exitCode}`);
      return;
    }
    throw new Error(`the message ${cid} was not executed on the chain of node ${node} in ${MESSAGE_EPOCHS} epochs`);
  }
}

function keyOf(address: Address, accounts: readonly DevAccount[]): KeyInfo | undefined {
  for (const { secp256k1, bls, keys } of accounts) {
    if (secp256k1.equals(address)) return keys.secp256k1;
    if (bls.equals(address)) return keys.bls;
  }
  return undefined;
}

function many(chains: number): string {
  return chains === 1 ? "1 chain" : `${chains} chains`;
}

function sorted(nodes: readonly number[]): string {
  return [...nodes].sort((a, b) => a - b).join();
}
