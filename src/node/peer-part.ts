/**
 * A node among its peers: a libp2p host over its chain, synchronisation, announced blocks, and the gossip of messages.
 *
 * Identity and peer book outlive the process. The parts of `src/sync` do the work; here they are put together and given a
 * clock. A fault of this node goes to `onFault` and is never counted against a peer.
 */
import { Alert } from "../base/alert.ts";
import { describeError } from "../base/errors.ts";
import { sleepFor } from "../base/sleep.ts";
import type { Chain } from "../chain/chain.ts";
import type { VerifyBls } from "../consensus/election-checks.ts";
import { BlockDoor } from "../consensus/gossip-checks.ts";
import type { BlockValidator, FullBlock } from "../consensus/validator.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { ChainSource } from "../network/chain-source.ts";
import { ExchangeError } from "../network/exchange-client.ts";
import { makeIdentity } from "../network/host.ts";
import { Network, type NetworkOptions } from "../network/network.ts";
import type { PeerBook } from "../network/peer-book.ts";
import type { Secrets } from "../platform/secrets.ts";
import type { NodeParts, SyncService } from "../rpc/services.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { BlockIntake } from "../sync/block-intake.ts";
import { ClockWatch } from "../sync/clock-watch.ts";
import { HeadChoice } from "../sync/head-choice.ts";
import type { Sleep, SyncPeers, VerifyAhead } from "../sync/peers.ts";
import { Syncer } from "../sync/syncer.ts";
import { TimesWatch } from "../sync/times-watch.ts";
import { TipsetImport } from "../sync/tipset-import.ts";
import { messageCid, signedMessageCid } from "../types/message.ts";
import { KeptPeers } from "./kept-peers.ts";
import { PeerDialer } from "./peer-dialer.ts";
import { PoolGossip } from "./pool-gossip.ts";
import { ServedChain } from "./served-chain.ts";
import type { Health, Startable } from "./startable.ts";

export type PeerPartOptions = Pick<
  NetworkOptions,
  "listen" | "userAgent" | "local" | "dht" | "extraEncrypters" | "deadlines" | "topics" | "payloads"
> & {
  readonly node: { readonly chain: Chain; readonly states: StateManager; readonly pool: MessagePool };
  readonly validator: BlockValidator;
  readonly verifyBls: VerifyBls;
  /** Verifies signatures of fetched chains beside their validation. */
  readonly ahead?: VerifyAhead;
  /** Unix time of the genesis, seconds. */
  readonly genesisTime: number;
  /** Where the identity is kept. */
  readonly secrets: Secrets;
  /** Multiaddrs of peers to stay connected to. */
  readonly bootstrap: readonly string[];
  /** Peers that must have spoken before a chain is chosen; default 1. */
  readonly minPeers?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep?: Sleep;
  /** Hears of faults of this node: where, and what was thrown. */
  readonly onFault?: (where: string, error: unknown) => void;
};

const IDENTITY = "libp2p-host";
/** Epochs from one round of sending messages again to the next. Source: lotus chain/messagepool/repub.go. */
const REPUBLISH_EPOCHS = 10;

export class PeerPart implements Startable {
  readonly name = "peers";
  /** Active while something of this node stands in the way of what peers send. */
  readonly alert = new Alert("net", "peers");
  readonly clocks = new ClockWatch();
  readonly choice: HeadChoice;
  readonly imports: TipsetImport;
  readonly syncer: Syncer;
  readonly intake: BlockIntake;
  private readonly options: PeerPartOptions;
  private readonly sleep: Sleep;
  private readonly kept: KeptPeers;
  private readonly times: TimesWatch;
  private readonly gossip: PoolGossip;
  private readonly stopping = new AbortController();
  private opened: { readonly network: Network; readonly served: ServedChain; readonly dialer: PeerDialer } | null =
    null;
  private readonly stopListening: () => void;
  private republishing: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: PeerPartOptions) {
    const { node, validator, verifyBls, genesisTime, now, minPeers, ahead, sleep = sleepFor } = options;
    const { chain, states, pool } = node;
    const onFault = (where: string, error: unknown): void => this.fault(where, error);
    const peers: SyncPeers = {
      fetch: async (head, length, wanted) => {
        const found = await this.exchange().fetch(head, length, wanted);
        const [top] = found;
        if (top !== undefined) this.times.check(top.tipset);
        return found;
      },
      report: (peer, offence) => this.opened?.network.report(peer, offence),
    };
    this.options = options;
    this.sleep = sleep;
    this.kept = new KeptPeers({ store: chain.blocks, now, sleep, onFault });
    this.choice = new HeadChoice({ chain, weight: (tipset) => validator.weight(tipset) });
    this.imports = new TipsetImport({ chain, validator, choice: this.choice });
    const epochNow = (): number => Math.floor((now() / 1000 - genesisTime) / states.network.blockDelaySeconds);
    this.times = new TimesWatch({
      genesisTime,
      blockDelay: states.network.blockDelaySeconds,
      epochNow,
      now,
      height: () => chain.head.height,
      fetch: (from, key) =>
        this.exchange().fetch(key, 1, { from, vouched: true, messages: false, signal: this.stopping.signal }),
      onWrong: (error) => onFault("times", error),
    });
    const { choice, imports } = this;
    this.syncer = new Syncer({
      chain,
      peers,
      choice,
      imports,
      epochNow,
      now,
      sleep,
      onFault,
      ...(ahead === undefined ? {} : { ahead }),
      ...(minPeers === undefined ? {} : { minPeers }),
    });
    this.stopListening = chain.onHeadChange(() => {
      this.alert.resolve("the head moved");
      // While a chain is fetched the head moves many times a second.
      if (this.syncer.isBehind()) return;
      this.opened?.network.bitswap?.lookAgain();
      this.opened?.network.payloads?.lookAgain();
    });
    const door = new BlockDoor({ states, verifyBls, genesisTime, now });
    this.intake = new BlockIntake({ chain, door, pool, peers, imports, syncer: this.syncer, onFault });
    this.gossip = new PoolGossip({
      pool,
      publish: async (signed) => this.opened?.network.publishMessage(signed),
      onFault,
    });
  }

  /** The host; null before the start. */
  get network(): Network | null {
    return this.opened?.network ?? null;
  }

  /** The chain as peers see it; null before the start. */
  get served(): ChainSource | null {
    return this.opened?.served ?? null;
  }

  get book(): PeerBook {
    return this.kept.book;
  }

  /** Multiaddrs that others may dial, with the identity; none before the start. */
  addresses(): string[] {
    return this.opened?.network.addresses() ?? [];
  }

  async start(): Promise<void> {
    const {
      node,
      listen,
      userAgent,
      local,
      now,
      secrets,
      bootstrap,
      dht,
      extraEncrypters,
      deadlines,
      topics,
      payloads,
    } = this.options;
    await this.kept.load();
    const identity = await identityOf(secrets);
    const served = await ServedChain.open(
      node.chain,
      (tipset) => this.choice.weight(tipset),
      (where, error) => this.fault(where, error),
    );
    const network = await Network.open({
      identity,
      networkName: node.states.network.name,
      listen,
      userAgent,
      local,
      now,
      peers: this.kept.book,
      chain: served,
      objects: node.chain.blocks,
      ...(payloads === undefined ? {} : { payloads }),
      ...(deadlines === undefined ? {} : { deadlines }),
      ...(topics === undefined ? {} : { topics }),
      ...(dht === undefined ? {} : { dht }),
      ...(extraEncrypters === undefined ? {} : { extraEncrypters }),
      handlers: {
        onHello: (peer, { heaviest, height, weight }) => {
          this.syncer.inform(peer, heaviest, height, weight);
          // What is wrong with the times is told once; what a peer does not give is its own affair.
          this.times.heard(peer, heaviest, height).catch(() => undefined);
        },
        onBlock: (block, peer) => this.intake.announced(block, peer),
        // A node that is behind cannot tell which messages are good.
        onMessage: async (signed) => (this.syncer.isBehind() ? "ignore" : this.gossip.received(signed)),
        onTiming: (peer, { clockOffset }) => this.clocks.note(peer, clockOffset),
        onDisconnect: (peer) => this.clocks.forget(peer),
        onFault: (where, error) => this.fault(where, error),
      },
    }).catch((error: unknown) => {
      served.close();
      throw error;
    });
    const dialer = new PeerDialer(bootstrap, {
      connect: (address, signal) => network.connect(address, signal),
      isBanned: (peer) => this.kept.book.isBanned(peer),
      isConnected: (peer) => network.connected().some(({ id }) => id === peer),
      now,
      sleep: this.sleep,
    });
    this.opened = { network, served, dialer };
    dialer.start();
    this.republishing = this.keepRepublishing();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopping.abort(new Error("the node is stopping"));
    await this.opened?.dialer.stop();
    this.gossip.close();
    this.stopListening();
    await this.intake.stop();
    await this.syncer.stop();
    await this.republishing;
    await this.opened?.network.close();
    this.opened?.served.close();
    await this.kept.stop();
  }

  health(): Health {
    if (this.stopped || this.opened === null) return { status: "stopped" };
    const { network, dialer } = this.opened;
    if (this.alert.isActive) return { status: "failing", reason: this.alert.lastActive?.message ?? "" };
    const alone = network.connected().length === 0;
    const why = dialer.states().find(({ failure }) => failure !== null)?.failure;
    if (alone && why !== undefined) return { status: "failing", reason: `no peer can be reached: ${why}` };
    return { status: "ok" };
  }

  /** Takes a block that this node made and tells the network; rejects with `BlockError` if it is not valid. */
  async submit(block: FullBlock): Promise<void> {
    await this.intake.made(block);
    await this.publishBlock(block);
  }

  /** Hands a block to the blocks topic; gives the number of peers that it went to. */
  async publishBlock({ header, messages }: FullBlock): Promise<number> {
    const blsMessages = messages.bls.map(messageCid);
    const secpMessages = messages.secp.map(signedMessageCid);
    return (await this.opened?.network.publishBlock({ header, blsMessages, secpMessages })) ?? 0;
  }

  /** Sends messages of this node's own user again, now. */
  republish(): Promise<void> {
    return this.gossip.republish();
  }

  /** What the RPC interface sees of it. */
  services(): Required<Pick<NodeParts, "net" | "sync" | "peers">> {
    const sync: SyncService = {
      status: () => this.syncer.status(),
      onBlock: (listener) => this.intake.onBlock(listener),
      submit: (block) => this.submit(block),
    };
    return {
      net: () => this.network,
      sync: () => sync,
      peers: () => {
        const [blocks, messages] = this.network?.mesh() ?? [0, 0];
        return { blocks, messages };
      },
    };
  }

  private exchange() {
    if (this.opened === null) throw new ExchangeError({ code: "NO_PEER" }, "the node has no peers yet");
    return this.opened.network.exchange;
  }

  private async keepRepublishing(): Promise<void> {
    const { signal } = this.stopping;
    const every = REPUBLISH_EPOCHS * this.options.node.states.network.blockDelaySeconds * 1000;
    while (!signal.aborted) {
      await this.sleep(every, signal).catch(() => undefined);
      if (!signal.aborted) await this.gossip.republish();
    }
  }

  private fault(where: string, error: unknown): void {
    this.alert.raise(`${where}: ${describeError(error)}`);
    this.options.onFault?.(where, error);
  }
}

/** The identity that is kept, or a new one that is kept from now on. */
async function identityOf(secrets: Secrets): Promise<Uint8Array> {
  const known = await secrets.read(IDENTITY);
  if (known !== null) return known;
  const made = await makeIdentity();
  await secrets.write(IDENTITY, made);
  return made;
}
