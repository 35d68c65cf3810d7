/** The message pool over a node's chain and states: it takes in what was kept, then follows the head. */

import { inclusionGas } from "../consensus/inclusion-gas.ts";
import type { KeyCrypto } from "../keys/keys.ts";
import { verifyMessage } from "../keys/keys.ts";
import { PoolStore } from "../mpool/kept-messages.ts";
import { MessagePool } from "../mpool/pool.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { isFvm } from "../schema/versions/rows.ts";
import { Senders } from "../state/manifest.ts";
import type { StateView } from "../state/state-view.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Address } from "../types/address.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { chainLength, type SignedMessage } from "../types/message.ts";
import type { Health, Startable } from "./startable.ts";

/** Gas for one byte of a message on chain, and for having it there. See `assembly/vm/gas/price-list.ts`, the first list. */
const MIN_GAS = { base: 38_863n + 36n * 1000n, perByte: 1000n } as const;

/** Gas for storing a message of some bytes on chain. */
function storageGas(bytes: number): bigint {
  return MIN_GAS.base + MIN_GAS.perByte * BigInt(bytes);
}

/** In the FVM a message that cannot pay for being on chain costs its producer: such ones are refused. */
function minGasOf(bytes: number, networkVersion: number): bigint {
  return isFvm(networkVersion) ? inclusionGas(bytes, networkVersion) : storageGas(bytes);
}

/** The least gas of a message of some bytes that may be in the next block. */
export function leastGas(states: Pick<StateManager, "chain" | "networkVersionAt">): (bytes: number) => bigint {
  return (bytes) => minGasOf(bytes, states.networkVersionAt(states.chain.head.height + 1));
}

/** `trusts`: messages that are taken without a signature of their sender. */
export function makePool(
  states: StateManager,
  crypto: KeyCrypto,
  trusts: (signed: SignedMessage) => boolean = () => false,
): MessagePool {
  const { chain } = states;
  const view = () => states.stateAfter(chain.head);
  const senders = new Senders(chain.blocks);
  // What was made a contract sends nothing any more, though its key is known: a block would carry its messages, and they would stay.
  const senderIn = async (state: StateView, { height }: Tipset, address: Address) => {
    const actor = await state.actor(address);
    if (actor === null || !isFvm(states.networkVersionAt(height))) return actor;
    return (await senders.may(state, actor)) ? actor : null;
  };
  const nextVersion = (): number => states.networkVersionAt(chain.head.height + 1);
  const least = leastGas(states);
  return new MessagePool({
    prefix: states.network.prefix,
    resolveKey: async (address) => {
      const state = await view();
      return (await state.actor(address)) === null ? null : state.accountKey(address).catch(() => null);
    },
    senderState: async (address) => {
      const { head } = chain;
      return senderIn(await states.stateAfter(head), head, address);
    },
    verify: (signed, signer) => trusts(signed) || verifyMessage(crypto, signed, signer, states.network.chainId),
    minGas: (signed) => least(chainLength(signed)),
    networkVersion: nextVersion,
    baseFee: () => states.nextBaseFee(chain.head),
    carried: async (tipset) => (await chain.tipsetMessages(tipset)).map(({ message }) => message),
    signedOf: (tipset) => chain.signedMessages(tipset),
    seenFrom: async (tipset) => {
      const { reverts } = await chain.path(chain.head, tipset, CHAIN_LIMITS.finality);
      if (reverts.length === 0 && tipsetKeyText(tipset.key) === tipsetKeyText(chain.head.key)) return null;
      const state = await states.stateAfter(tipset);
      const carried = await Promise.all(reverts.map((one) => chain.signedMessages(one)));
      return { senderState: (address) => senderIn(state, tipset, address), carried: carried.flat() };
    },
    kept: new PoolStore(chain.blocks, chain),
  });
}

export class PoolPart implements Startable {
  readonly name = "pool";
  private readonly pool: MessagePool;
  private readonly states: StateManager;
  private stopListening: (() => void) | null = null;

  constructor(pool: MessagePool, states: StateManager) {
    this.pool = pool;
    this.states = states;
  }

  async start(): Promise<void> {
    this.stopListening = this.states.chain.onHeadChange((changes) => this.pool.headChanged(changes));
    await this.pool.load();
  }

  async stop(): Promise<void> {
    this.stopListening?.();
    this.stopListening = null;
    await this.pool.settled();
  }

  health(): Health {
    return { status: this.stopListening !== null ? "ok" : "stopped" };
  }
}
