/**
 * Entries from drand's HTTP interface: several servers, the one that answered last is asked first, every entry verified.
 * `GET <server>/<chain hash>/public/<round>` answers {"round", "signature", "previous_signature"?}.
 */
import { readText } from "../base/answer-text.ts";
import { fromHex, toHex } from "../base/bytes.ts";
import { sleepFor } from "../base/sleep.ts";
import type { BeaconEntry } from "../types/block-header.ts";
import { type DrandInfo, isChained } from "./drand.ts";
import { BeaconError } from "./errors.ts";
import type { BeaconSource, VerifiedEntries } from "./source.ts";

export type HttpSourceOptions = {
  readonly servers: readonly string[];
  readonly verified: VerifiedEntries;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds for one answer. Default 5 s. */
  readonly answerMs?: number;
  /** Milliseconds between two rounds of asking all servers. Default 1 s. */
  readonly pauseMs?: number;
  /** Rounds of asking before `NO_ENTRY`. Default 30. */
  readonly attempts?: number;
};

/** Longest answer of a server of drand that is read, bytes. */
export const MAX_ANSWER = 4096;

export function httpSource(options: HttpSourceOptions): BeaconSource {
  const { verified, answerMs = 5000, pauseMs = 1000, attempts = 30 } = options;
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  let servers = [...options.servers];

  async function ask(server: string, info: DrandInfo, round: bigint, outer: AbortSignal): Promise<BeaconEntry> {
    const signal = AbortSignal.any([outer, AbortSignal.timeout(answerMs)]);
    const url = `${server}/${toHex(info.chainHash)}/public/${round}`;
    const response = await fetch(url, { signal, redirect: "error" });
    if (!response.ok) {
      // An answer that nobody reads holds its connection.
      await response.body?.cancel().catch(() => undefined);
      throw new Error(`${server}: HTTP status ${response.status}`);
    }
    const answer = readAnswer(JSON.parse(await readText(response, MAX_ANSWER)), server);
    if (answer.round !== round) throw new Error(`${server}: answered round ${answer.round}`);
    const entry = { round, data: answer.signature };
    if (isChained(info) && answer.previous === null) throw new Error(`${server}: no previous signature`);
    if (!verified.check(info, entry, answer.previous ?? new Uint8Array(0)))
      throw new Error(`${server}: round ${round} is not signed by the beacon`);
    return entry;
  }

  return {
    async entry(info, round, signal) {
      const known = verified.get(info, round);
      if (known !== null) return known;
      let last: unknown;
      for (let attempt = 0; attempt < attempts; attempt++) {
        if (attempt > 0) await sleepFor(pauseMs, signal);
        for (const server of servers) {
          signal.throwIfAborted();
          try {
            const entry = await ask(server, info, round, signal);
            servers = [server, ...servers.filter((one) => one !== server)];
            return entry;
          } catch (error) {
            signal.throwIfAborted();
            last = error;
          }
        }
      }
      throw new BeaconError(
        { code: "NO_ENTRY", round: `${round}` },
        `none of ${servers.length} drand servers has round ${round}`,
        { cause: last },
      );
    },
  };
}

function readAnswer(json: unknown, server: string) {
  const { round, signature, previous_signature: previous } = (json ?? {}) as Record<string, unknown>;
  const isBytes = (text: unknown): text is string =>
    typeof text === "string" && text.length <= 192 && /^(?:[0-9a-f]{2})+$/.test(text);
  if (typeof round !== "number" || !Number.isSafeInteger(round) || !isBytes(signature))
    throw new Error(`${server}: not an answer of drand`);
  return {
    round: BigInt(round),
    signature: fromHex(signature),
    previous: isBytes(previous) ? fromHex(previous) : null,
  };
}
