/** The chain of another node over JSON-RPC, as far as a fork of its state asks for it. Nothing it says is trusted. */
import { readText } from "../../base/answer-text.ts";
import { fromBase64 } from "../../base/bytes.ts";
import { describeError, isFilError } from "../../base/errors.ts";
import { OptionError } from "../../base/options.ts";
import { type ScheduledVersion, versionUpgrades } from "../../params/upgrades.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { ForkError } from "./errors.ts";

export type RemoteTipset = { readonly key: readonly CID[]; readonly height: number };
type Link = { readonly "/": string };
type Constants = { readonly BlockDelaySecs: unknown; readonly ForkUpgradeParams: Readonly<Record<string, unknown>> };
type Reply = { readonly result?: unknown; readonly error?: { readonly code?: unknown; readonly message?: unknown } };

/**
 * How a node, or what stands before it, says that it will not answer now, or not this: by the status of HTTP, the code of JSON-RPC (no such
 * method, more than is allowed), or in words. Whether it has something this does not tell. Source: EIP-1474.
 */
const NO_ANSWER = {
  statuses: [401, 402, 403, 408, 413, 429, 502, 503, 504],
  codes: [-32601, -32005],
  // Whole words: a CID in a text is one, and may hold anything.
  words:
    /\b(?:too many|rate|limit(?:ed|s)?|quota|exceed(?:ed|s)?|busy|overloaded|unavailable|time(?:d )?-?out|deadline|unauthori[sz]ed|forbidden|permission|token)\b/i,
} as const;

const TIMEOUT_MS = 30_000;
/** Bytes of an answer: those of the largest block, in base64, and some more. */
const MAX_ANSWER = 12 << 20;
/** Blocks of a tipset. */
const MAX_BLOCKS = 256;
const MAX_HEIGHT = 2 ** 40;
/** Seconds between epochs. */
const MAX_DELAY = 86_400;

/** What of a network's constants a fork takes over. */
export type RemoteConstants = {
  /** Network versions by the first epoch at which they are in force. */
  readonly versions: readonly ScheduledVersion[];
  /** Seconds between epochs, as the network reckons its time. */
  readonly blockDelay: number;
};

export class RemoteChain {
  readonly url: string;

  /** Throws `OptionError` for what is no address. */
  constructor(url: string) {
    if (!/^https?:\/\/[^\s]+$/.test(url)) throw new OptionError("fork", "the http(s) address of a JSON-RPC is needed");
    this.url = url;
  }

  /** The bytes of a block; undefined if the other node does not have it. Throws `ForkError` NOT_AT_HAND, BAD_ANSWER. */
  async block(cid: CID): Promise<Uint8Array | undefined> {
    const wanted = `block ${cid}`;
    const { error, result: answer, status } = await this.ask("ChainReadObj", [{ "/": `${cid}` }], wanted);
    if (error !== undefined) {
      const { code, message = error } = Object(error) as NonNullable<Reply["error"]>;
      const { statuses, codes, words } = NO_ANSWER;
      const isNone = [statuses.includes(status as never), codes.includes(code as never), words.test(String(message))];
      // That it has no such block is an answer.
      if (!isNone.includes(true)) return undefined;
      throw new ForkError(
        { code: "NOT_AT_HAND", wanted },
        `${wanted} is not kept here, and ${this.url} does not say whether it has it: ${String(message).slice(0, 300)}`,
      );
    }
    if (typeof answer !== "string") throw this.bad("ChainReadObj");
    try {
      return fromBase64(answer);
    } catch (cause) {
      throw this.bad("ChainReadObj", cause);
    }
  }

  head(): Promise<RemoteTipset> {
    return this.tipset("ChainHead", []);
  }

  /** The tipset at an epoch, or the last before it, on the chain that ends with `top`; null: its head. */
  atOrBefore(height: number, top: readonly CID[] | null): Promise<RemoteTipset> {
    return this.tipset("ChainGetTipSetByHeight", [height, linksOf(top)]);
  }

  /** The tipset at an epoch, or the first after it. */
  atOrAfter(height: number, top: readonly CID[]): Promise<RemoteTipset> {
    return this.tipset("ChainGetTipSetAfterHeight", [height, linksOf(top)]);
  }

  async networkVersion(at: readonly CID[] | null): Promise<number> {
    const version = await this.call("StateNetworkVersion", [linksOf(at)], "its network version");
    if (!Number.isSafeInteger(version)) throw this.bad("StateNetworkVersion");
    return version as number;
  }

  /** Source: lotus api/types.go at b835fab702eb, NetworkParams and ForkUpgradeParams: the last epoch before each upgrade. */
  async constants(): Promise<RemoteConstants> {
    const method = "StateGetNetworkParams";
    const given = (await this.call(method, [], "its network's constants")) as Partial<Constants> | null;
    const { BlockDelaySecs: blockDelay, ForkUpgradeParams: heights } = given ?? {};
    const isDelay =
      Number.isSafeInteger(blockDelay) && (blockDelay as number) > 0 && (blockDelay as number) <= MAX_DELAY;
    if (!isDelay || typeof heights !== "object" || heights === null) throw this.bad(method);
    let first = 0;
    const later = new Map<number, number>();
    for (const { name, networkVersion } of versionUpgrades()) {
      const height = heights[`Upgrade${name}Height`];
      if (height === undefined) continue;
      if (!Number.isSafeInteger(height) || (height as number) > MAX_HEIGHT) throw this.bad(method);
      if ((height as number) < 0) first = networkVersion;
      else later.set((height as number) + 1, networkVersion);
    }
    const rest = [...later].map(([epoch, networkVersion]) => ({ epoch, networkVersion }));
    return { versions: [{ epoch: 0, networkVersion: first }, ...rest], blockDelay: blockDelay as number };
  }

  /** What a local network says of itself; null of any other. */
  async describe(): Promise<Readonly<Record<string, unknown>> | null> {
    const info = await this.call("Devnet.info", [], "its description").catch((error: unknown) => {
      if (isFilError(error, "BAD_ANSWER")) return null;
      throw error;
    });
    return typeof info === "object" && info !== null ? (info as Readonly<Record<string, unknown>>) : null;
  }

  private async tipset(method: string, params: readonly unknown[]): Promise<RemoteTipset> {
    const { Cids, Height } = ((await this.call(method, params, "a tipset")) ?? {}) as {
      readonly Cids?: readonly Link[];
      readonly Height?: number;
    };
    const isTipset =
      Array.isArray(Cids) &&
      Cids.length > 0 &&
      Cids.length <= MAX_BLOCKS &&
      new Set(Cids.map((link) => String(Object(link)["/"]))).size === Cids.length &&
      Number.isSafeInteger(Height) &&
      (Height as number) >= 0 &&
      (Height as number) < MAX_HEIGHT;
    if (!isTipset) throw this.bad(method);
    try {
      return { key: Cids.map((link) => parseCid(link["/"])), height: Height as number };
    } catch (cause) {
      throw this.bad(method, cause);
    }
  }

  private async call(name: string, params: readonly unknown[], wanted: string): Promise<unknown> {
    const { error, result } = await this.ask(name, params, wanted);
    if (error !== undefined)
      throw this.bad(fullName(name), new Error(String(Object(error).message ?? error).slice(0, 300)));
    return result;
  }

  /** The answer, which may be an error. Throws `ForkError` NOT_AT_HAND, BAD_ANSWER. */
  private async ask(
    name: string,
    params: readonly unknown[],
    wanted: string,
  ): Promise<Reply & { readonly status: number }> {
    const method = fullName(name);
    let text: string;
    let status: number;
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      ({ status } = response);
      text = await readText(response, MAX_ANSWER);
    } catch (cause) {
      throw new ForkError(
        { code: "NOT_AT_HAND", wanted },
        `${wanted} is not kept here, and ${this.url} does not answer: ${describeError(cause)}`,
        { cause },
      );
    }
    let reply: Reply;
    try {
      reply = JSON.parse(text) as Reply;
    } catch (cause) {
      // What stands before the node says it in a page of its own.
      if (NO_ANSWER.statuses.includes(status as never))
        throw new ForkError(
          { code: "NOT_AT_HAND", wanted },
          `${wanted} is not kept here, and ${this.url} does not answer: it gives the HTTP status ${status}`,
        );
      throw this.bad(method, new Error(`it gives no JSON (HTTP status ${status})`, { cause }));
    }
    if (typeof reply !== "object" || reply === null || reply.error === null) throw this.bad(method);
    return { ...reply, status };
  }

  private bad(method: string, cause?: unknown): ForkError {
    const why = cause === undefined ? "what it gives is no such answer" : describeError(cause);
    return new ForkError({ code: "BAD_ANSWER", method }, `${this.url}, ${method}: ${why}`, { cause });
  }
}

function fullName(method: string): string {
  return method.includes(".") ? method : `Filecoin.${method}`;
}

function linksOf(key: readonly CID[] | null): readonly Link[] | null {
  return key === null ? null : key.map((cid) => ({ "/": `${cid}` }));
}
