/**
 * What the gossip implementation lets pass without holding it against anybody: messages that cannot be decoded or are too
 * long, floods, messages on topics that nobody asked for, signatures that are not their authors'. Each is counted here as
 * an offence of the peer that sent it; floods are cut before they are looked at.
 *
 * It hooks into the implementation beyond its published interface (the version of the package is pinned, and a test fails
 * if the hooks are gone).
 */
import type { GossipSub } from "@libp2p/gossipsub";
import type { OwnTime } from "./own-time.ts";
import { GOSSIP_LIMITS } from "./params.ts";
import type { Offence } from "./peer-book.ts";
import { RateLimiter } from "./rate-limit.ts";

type Peer = { toString(): string };
type Frame = { subarray(): Uint8Array; readonly byteLength: number };
type Rpc = {
  readonly subscriptions?: readonly unknown[];
  readonly messages?: readonly { readonly topic?: string }[];
  readonly control?: Readonly<Record<string, readonly { readonly messageIDs?: readonly unknown[] }[]>>;
};
type Insides = {
  pipePeerReadStream(peer: Peer, stream: AsyncIterable<Frame>): Promise<void>;
  decodeRpc(bytes: Uint8Array): Rpc;
  handleReceivedRpc(peer: Peer, rpc: Rpc): Promise<void>;
  readonly score: { rejectInvalidMessage(peer: string, topic: string): void };
  readonly allowedTopics: ReadonlySet<string> | null;
  /** Until when a peer is to send a message that it said it has: by message, then by peer, by the clock. */
  readonly gossipTracer: { readonly promises: ReadonlyMap<string, Map<string, number>> };
  applyIwantPenalties(): void;
};

export type GuardParts = {
  readonly now: () => number;
  readonly onOffence: (peer: string, offence: Offence) => void;
  /** Peers on one machine are faster. */
  readonly local: boolean;
  readonly time: Pick<OwnTime, "late">;
};

/** Offences of one kind that a flood may bring each second: a flood is one thing, not thousands. */
const REPORTS = { burst: 4, perSecond: 4 } as const;

export function guardGossip(pubsub: GossipSub, { now, onOffence, local, time }: GuardParts): void {
  const inside = pubsub as unknown as Insides;
  const factor = local ? GOSSIP_LIMITS.localFactor : 1;
  const rate = (burst: number, perSecond: number): RateLimiter =>
    new RateLimiter({ burst: burst * factor, perSecond: perSecond * factor }, now, () => time.late);
  const bytes = rate(GOSSIP_LIMITS.bytesBurst, GOSSIP_LIMITS.bytesPerSecond);
  const items = rate(GOSSIP_LIMITS.itemsBurst, GOSSIP_LIMITS.itemsPerSecond);
  const reports = new RateLimiter(REPORTS, now);
  const report = (peer: string, offence: Offence): void => {
    if (reports.allow(`${peer} ${offence}`)) onOffence(peer, offence);
  };
  /** Whose bytes are being decoded. */
  const senders = new WeakMap<Uint8Array, string>();

  async function* watched(peer: string, stream: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    try {
      for await (const frame of stream) {
        if (!bytes.allow(peer, frame.byteLength)) {
          report(peer, "tooManyRequests");
          continue;
        }
        const whole = frame.subarray();
        senders.set(whole, peer);
        yield { subarray: () => whole, byteLength: whole.byteLength };
      }
    } catch (error) {
      // Lengths that are none, or above the limit, of it-length-prefixed.
      if (/^Invalid(?:Data|Message)Length/.test((error as Error).name)) onOffence(peer, "tooLarge");
      throw error;
    }
  }

  const { pipePeerReadStream, decodeRpc, handleReceivedRpc } = inside;
  inside.pipePeerReadStream = (peer, stream) => pipePeerReadStream.call(inside, peer, watched(peer.toString(), stream));
  inside.decodeRpc = (whole) => {
    try {
      return decodeRpc.call(inside, whole);
    } catch (error) {
      const peer = senders.get(whole);
      if (peer !== undefined) report(peer, "badFrame");
      throw error;
    }
  };
  inside.handleReceivedRpc = async (peer, rpc) => {
    const id = peer.toString();
    if (!items.allow(id, itemsOf(rpc))) return report(id, "tooManyRequests");
    const { allowedTopics } = inside;
    const isUnwanted = ({ topic = "" }: { readonly topic?: string }): boolean => allowedTopics?.has(topic) === false;
    if (rpc.messages?.some(isUnwanted)) report(id, "unwantedTopic");
    return handleReceivedRpc.call(inside, peer, rpc);
  };
  const { applyIwantPenalties } = inside;
  let late = time.late;
  inside.applyIwantPenalties = () => {
    const more = time.late - late;
    late = time.late;
    // What was promised may lie here unread.
    if (more > 0)
      for (const peers of inside.gossipTracer.promises.values())
        for (const [peer, until] of peers) peers.set(peer, until + more + FOLLOW_UP_MS);
    applyIwantPenalties.call(inside);
  };
  const { score } = inside;
  const { rejectInvalidMessage } = score;
  score.rejectInvalidMessage = (peer, topic) => {
    report(peer, "forged");
    rejectInvalidMessage.call(score, peer, topic);
  };
}

/** Milliseconds in which what came during a standstill is read. */
const FOLLOW_UP_MS = 1000;

/** What a message costs: itself, and everything in it. */
function itemsOf({ subscriptions = [], messages = [], control = {} }: Rpc): number {
  let sum = 1 + subscriptions.length + messages.length;
  for (const entries of Object.values(control))
    for (const { messageIDs = [] } of entries) sum += 1 + messageIDs.length / GOSSIP_LIMITS.idsPerItem;
  return sum;
}
