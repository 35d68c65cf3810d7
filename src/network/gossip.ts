/**
 * Topics with a verdict for each message: what is good is passed on, what is not yet or no longer useful is dropped in
 * silence, what is invalid counts against the peer that sent it. A fault of our own is never counted against a peer.
 */
import { TopicValidatorResult } from "@libp2p/gossipsub";
import type { Host } from "./host.ts";
import { GOSSIP, PEER_SCORE } from "./params.ts";

/** Source: go-libp2p-pubsub ValidationResult. */
export type Verdict = "accept" | "ignore" | "reject";
export type Validate = (data: Uint8Array, from: string) => Promise<Verdict> | Verdict;

const RESULT: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/** Validations of one topic that may run or wait at once; beyond, messages are dropped. Source: lotus pubsub.go, validate queue. */
const MAX_VALIDATING = 256;

/** Message of the implementation's error where no peer wants a topic. */
const NOBODY_SUBSCRIBED = "PublishError.NoPeersSubscribedToTopic";

type TopicStats = {
  readonly meshTime: number;
  readonly firstMessageDeliveries: number;
  readonly meshMessageDeliveries: number;
  readonly invalidMessageDeliveries: number;
};

/** What the mesh thinks of a peer, and of what: counters fade. */
export type GossipScores = {
  readonly score: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly meshMs: number;
    readonly firstDeliveries: number;
    readonly meshDeliveries: number;
    readonly invalidDeliveries: number;
  }[];
  readonly behaviourPenalty: number;
  /** By how many peers its host has more than are unsuspicious, squared. Between nodes of one machine it counts nothing. */
  readonly sameAddress: number;
};

/** What the implementation has beyond its published interface; the version of the package is pinned. */
type Insides = {
  readonly score: {
    score(peer: string): number;
    readonly peerStats: ReadonlyMap<
      string,
      {
        readonly topics: Readonly<Record<string, TopicStats>>;
        readonly behaviourPenalty: number;
        readonly knownIPs: ReadonlySet<string>;
      }
    >;
    readonly peerIPs: ReadonlyMap<string, ReadonlySet<string>>;
  };
  getMeshPeers(topic: string): string[];
};

/** Bytes as a plain array: those of Node's sockets are Buffers, whose `slice` shares what it should copy. */
function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

export class Gossip {
  private readonly host: Host;
  private readonly onFault: (topic: string, error: unknown) => void;

  /** `onFault` hears of validators that threw. */
  constructor(host: Host, onFault: (topic: string, error: unknown) => void) {
    this.host = host;
    this.onFault = onFault;
  }

  /** Subscribes to a topic. `validate` gets every message once, our own excepted, with the peer that passed it on. */
  join(topic: string, validate: Validate): void {
    let validating = 0;
    this.host.services.pubsub.topicValidators.set(topic, async (peer, message) => {
      if (message.data.length > GOSSIP.maxMessageBytes) return TopicValidatorResult.Reject;
      if (validating >= MAX_VALIDATING) return TopicValidatorResult.Ignore;
      validating++;
      try {
        return RESULT[await validate(plain(message.data), peer.toString())];
      } catch (error) {
        this.onFault(topic, error);
        return TopicValidatorResult.Ignore;
      } finally {
        validating--;
      }
    });
    this.host.services.pubsub.subscribe(topic);
  }

  leave(topic: string): void {
    this.host.services.pubsub.unsubscribe(topic);
    this.host.services.pubsub.topicValidators.delete(topic);
  }

  /**
   * Publishes; resolves to the number of peers it was handed to. What reached nobody may be published again at once, what
   * was seen in the last two minutes is not. Messages longer than the network takes are refused.
   */
  async publish(topic: string, data: Uint8Array): Promise<number> {
    if (data.length > GOSSIP.maxMessageBytes)
      throw new RangeError(`a gossip message of ${data.length} bytes, at most ${GOSSIP.maxMessageBytes} allowed`);
    try {
      return (await this.host.services.pubsub.publish(topic, data)).recipients.length;
    } catch (error) {
      if (error instanceof Error && error.message === NOBODY_SUBSCRIBED) return 0;
      throw error;
    }
  }

  /** Score of a peer in the mesh. */
  score(peer: string): number {
    return this.insides.score.score(peer);
  }

  scores(peer: string): GossipScores {
    const { insides } = this;
    const { peerStats, peerIPs } = insides.score;
    const stats = peerStats.get(peer);
    const crowds = [...(stats?.knownIPs ?? [])].map(
      (ip) => (peerIPs.get(ip)?.size ?? 0) - PEER_SCORE.ipColocationFactorThreshold,
    );
    return {
      score: insides.score.score(peer),
      behaviourPenalty: stats?.behaviourPenalty ?? 0,
      sameAddress: crowds.filter((over) => over > 0).reduce((sum, over) => sum + over * over, 0),
      topics: Object.entries(stats?.topics ?? {}).map(([topic, of]) => ({
        topic,
        meshMs: of.meshTime,
        firstDeliveries: of.firstMessageDeliveries,
        meshDeliveries: of.meshMessageDeliveries,
        invalidDeliveries: of.invalidMessageDeliveries,
      })),
    };
  }

  private get insides(): Insides {
    return this.host.services.pubsub as unknown as Insides;
  }

  meshPeers(topic: string): readonly string[] {
    return this.insides.getMeshPeers(topic);
  }
}
