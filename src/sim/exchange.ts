/**
 * Chain exchange over simulated links: the network's own bytes both ways, the client's own checks of every answer, and the
 * offences that the client of libp2p reports. Only streams and their time limits are this file's.
 */
import { isFilError } from "../base/errors.ts";
import type { ChainSource } from "../network/chain-source.ts";
import { askInTurn, checkResponse, ExchangeError, type FetchedTipset } from "../network/exchange-client.ts";
import { answerRequest } from "../network/exchange-server.ts";
import { DEADLINES } from "../network/params.ts";
import type { Offence } from "../network/peer-book.ts";
import {
  decodeExchangeRequest,
  decodeExchangeResponse,
  EXCHANGE_LIMITS,
  encodeExchangeRequest,
} from "../network/wire/exchange.ts";
import type { AskOptions, Sleep } from "../sync/peers.ts";
import type { CID } from "../types/cid.ts";

/** Bytes of an answer, or why there is none. */
export type Answer = (bytes: Uint8Array | null) => void;

export type SimExchangeParts = {
  /** Peers to ask, best first. */
  readonly peers: () => readonly string[];
  readonly sleep: Sleep;
  /** Sends a request; `answer` is called when an answer comes, or with null when the connection breaks. */
  readonly ask: (peer: string, request: Uint8Array, answer: Answer) => void;
  readonly onOffence: (peer: string, offence: Offence) => void;
};

export class SimExchange {
  /** Requests that wait for an answer. */
  open = 0;
  private readonly parts: SimExchangeParts;

  constructor(parts: SimExchangeParts) {
    this.parts = parts;
  }

  async fetch(
    head: readonly CID[],
    length: number,
    options: AskOptions & { readonly messages: boolean },
  ): Promise<readonly FetchedTipset[]> {
    const { messages, signal, from, vouched = false } = options;
    const request = { head, length, headers: true, messages };
    return askInTurn(this.parts.peers(), from, signal, async (peer) => {
      try {
        const bytes = await this.answerOf(peer, encodeExchangeRequest(request), signal);
        return checkResponse(peer, request, decodeExchangeResponse(bytes));
      } catch (error) {
        signal.throwIfAborted();
        if (isFilError(error, "BAD_ANSWER")) this.parts.onOffence(peer, "badChain");
        else if (isFilError(error, "NO_ANSWER")) {
          if (vouched && peer === from) this.parts.onOffence(peer, "notFound");
        } else if (!isFilError(error, "NO_PEER")) this.parts.onOffence(peer, "badFrame");
        throw error;
      }
    });
  }

  private async answerOf(peer: string, request: Uint8Array, outer: AbortSignal): Promise<Uint8Array> {
    const done = new AbortController();
    const stop = (): void => done.abort(outer.reason);
    outer.addEventListener("abort", stop, { once: true });
    this.open++;
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        const broken = new ExchangeError({ code: "NO_PEER" }, `the connection with ${peer} broke`);
        this.parts.ask(peer, request, (bytes) => (bytes === null ? reject(broken) : resolve(bytes)));
        this.parts.sleep(DEADLINES.exchangeRead + DEADLINES.exchangeWrite, done.signal).then(
          () => {
            this.parts.onOffence(peer, "tooSlow");
            reject(new ExchangeError({ code: "NO_PEER" }, `${peer} took too long`));
          },
          () => reject(outer.reason),
        );
      });
    } finally {
      this.open--;
      outer.removeEventListener("abort", stop);
      done.abort(new Error("answered"));
    }
  }
}

/** The answer of a node whose chain is `chain`. */
export function answerExchange(chain: ChainSource, bytes: Uint8Array): Promise<Uint8Array> {
  let size = 0;
  return answerRequest(chain, decodeExchangeRequest(bytes), (more) => {
    size += more;
    return size <= EXCHANGE_LIMITS.responseBytes;
  });
}
