/**
 * The market's messages over libp2p: one question and one answer a stream, both families. A provider answers whoever asks,
 * within limits of size, time and number; what is no message ends the stream and is an offence of who sent it.
 */
import type { Stream } from "@libp2p/interface";
import { describeError } from "../../base/errors.ts";
import { RateLimiter } from "../../network/rate-limit.ts";
import { frameStream } from "../../network/wire/frames.ts";
import { askPeer } from "../wire/question.ts";
import { answerInclusion, answerLegacyOffer, answerLegacyStatus, answerOffer, answerStatus } from "./answers.ts";
import {
  BOOST_PROTOCOLS,
  decodeBoostAnswer,
  decodeBoostOffer,
  decodeBoostStatus,
  decodeBoostStatusRequest,
  encodeBoostAnswer,
  encodeBoostOffer,
  encodeBoostStatus,
  encodeBoostStatusRequest,
} from "./boost-messages.ts";
import { DealError } from "./errors.ts";
import { MAX_MESSAGE_BYTES } from "./fields.ts";
import { decodeInclusion, encodeInclusion, INCLUSION_PROTOCOL } from "./inclusion.ts";
import {
  decodeAskRequest,
  decodeAskResponse,
  decodeLegacyOffer,
  decodeLegacyStatusRequest,
  decodeSignedDealState,
  decodeSignedResponse,
  encodeAskRequest,
  encodeAskResponse,
  encodeLegacyOffer,
  encodeLegacyStatusRequest,
  encodeSignedDealState,
  encodeSignedResponse,
  LEGACY_PROTOCOLS,
} from "./legacy-messages.ts";
import { noLink, type ProviderLink } from "./link.ts";
import type { StorageProvider } from "./provider.ts";
import type { DealStreams } from "./streams.ts";

/** Milliseconds that a question may take to come, and an answer to go. */
const READ_MS = 30_000;
const WRITE_MS = 30_000;
/** Questions of one peer: at once, and a second. */
const RATE = { burst: 50, perSecond: 5 } as const;

type Answer = (question: Uint8Array, peer: string) => Promise<Uint8Array>;

function answersOf(provider: StorageProvider): ReadonlyMap<string, Answer> {
  const offer: Answer = async (bytes, peer) =>
    encodeBoostAnswer(await answerOffer(provider, decodeBoostOffer(bytes), peer));
  return new Map<string, Answer>([
    [
      LEGACY_PROTOCOLS.ask,
      async (bytes) => {
        const ask = await provider.ask(decodeAskRequest(bytes)).catch((error: unknown) => {
          if (error instanceof DealError && error.code === "NOT_A_PROVIDER") return null;
          throw error;
        });
        return encodeAskResponse(ask);
      },
    ],
    [
      LEGACY_PROTOCOLS.deal,
      async (bytes, peer) => encodeSignedResponse(await answerLegacyOffer(provider, decodeLegacyOffer(bytes), peer)),
    ],
    [
      LEGACY_PROTOCOLS.status,
      async (bytes) => encodeSignedDealState(await answerLegacyStatus(provider, decodeLegacyStatusRequest(bytes))),
    ],
    [BOOST_PROTOCOLS.deal, offer],
    [BOOST_PROTOCOLS.dealBefore, offer],
    [
      BOOST_PROTOCOLS.status,
      async (bytes) => encodeBoostStatus(await answerStatus(provider, decodeBoostStatusRequest(bytes))),
    ],
    [
      INCLUSION_PROTOCOL,
      async (bytes) => encodeInclusion(await answerInclusion(provider, decodeBoostStatusRequest(bytes))),
    ],
  ]);
}

export class DealServer {
  private readonly streams: DealStreams;
  private readonly answers: ReadonlyMap<string, Answer>;
  private readonly rate: RateLimiter;

  constructor(streams: DealStreams, provider: StorageProvider, now: () => number) {
    this.streams = streams;
    this.answers = answersOf(provider);
    this.rate = new RateLimiter(RATE, now);
  }

  async start(): Promise<void> {
    for (const [protocol, answer] of this.answers)
      await this.streams.handle(protocol, (stream, peer) => this.serve(stream, peer, answer));
  }

  async stop(): Promise<void> {
    for (const protocol of this.answers.keys()) await this.streams.unhandle(protocol);
  }

  private async serve(stream: Stream, peer: string, answer: Answer): Promise<void> {
    if (!this.rate.allow(peer)) {
      this.streams.report(peer, "tooManyRequests");
      throw new DealError({ code: "LIMIT" }, "too many questions");
    }
    const frames = frameStream(stream);
    try {
      const question = await frames.read(MAX_MESSAGE_BYTES, AbortSignal.timeout(READ_MS));
      await frames.write(await answer(question, peer), AbortSignal.timeout(WRITE_MS));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code === "BAD_MESSAGE" || code === "BAD_FRAME") this.streams.report(peer, "badFrame");
      if (code === "FRAME_TOO_LARGE") this.streams.report(peer, "tooLarge");
      throw error;
    }
  }
}

const isUnspoken = (error: unknown): boolean => error instanceof Error && error.name === "UnsupportedProtocolError";

/** The way to a provider among this node's peers. */
export function remoteLink(streams: DealStreams, peer: string): ProviderLink {
  const ask = async (protocols: readonly string[], question: (protocol: string) => Uint8Array, signal: AbortSignal) => {
    let failure: unknown;
    for (const protocol of protocols) {
      try {
        const asked = { protocol, bytes: question(protocol), most: MAX_MESSAGE_BYTES };
        return await askPeer(streams, peer, asked, signal);
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
        // One that does not speak the newer form may speak the older.
        if (!isUnspoken(error)) break;
      }
    }
    if (isUnspoken(failure))
      throw new DealError({ code: "NOT_SPOKEN" }, `the provider at ${peer} does not speak ${protocols.at(-1)}`);
    return noLink(`the provider at ${peer} gave no answer: ${describeError(failure)}`);
  };
  return {
    async ask(miner, signal) {
      const found = decodeAskResponse(await ask([LEGACY_PROTOCOLS.ask], () => encodeAskRequest(miner), signal));
      return found ?? noLink(`the node at ${peer} is not the provider ${miner}`);
    },
    async offer(offer, signal) {
      const protocols = [BOOST_PROTOCOLS.deal, BOOST_PROTOCOLS.dealBefore];
      return decodeBoostAnswer(await ask(protocols, (protocol) => encodeBoostOffer(offer, protocol), signal));
    },
    async inclusion(request, signal) {
      return decodeInclusion(await ask([INCLUSION_PROTOCOL], () => encodeBoostStatusRequest(request), signal));
    },
    async legacyOffer(offer, signal) {
      return decodeSignedResponse(await ask([LEGACY_PROTOCOLS.deal], () => encodeLegacyOffer(offer), signal));
    },
    async legacyStatus(request, signal) {
      const question = (): Uint8Array => encodeLegacyStatusRequest(request);
      return decodeSignedDealState(await ask([LEGACY_PROTOCOLS.status], question, signal));
    },
    async status(request, signal) {
      return decodeBoostStatus(await ask([BOOST_PROTOCOLS.status], () => encodeBoostStatusRequest(request), signal));
    },
  };
}
