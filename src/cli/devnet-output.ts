/** What `filigree devnet` says: the banner, a line for each message, or JSON. */

import { toHex } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import { Turns } from "../base/turns.ts";
import type { PoolNote } from "../mpool/parts.ts";
import type { Devnet } from "../node/devnet.ts";
import { exitCodeText, methodText } from "../state/words.ts";
import type { Address } from "../types/address.ts";
import { filText } from "../types/amount.ts";
import type { Tipset } from "../types/block-header.ts";
import { accountJson, chainIdNote, ethereumLine, hasEthereum } from "./account-words.ts";
import { tokenText } from "./kept-token.ts";
import { proofsText } from "./real-proofs.ts";
import { countText, paint, sizeText } from "./terminal.ts";
import { ComingVersions, upgradeText, type VersionFacts, versionLine } from "./version-text.ts";

export type Loudness = "quiet" | "normal" | "verbose";

/** What is known when the network runs. */
export type Started = {
  readonly url: string;
  readonly data: string | null;
  /** Epoch at which an earlier network goes on; null for a new one. */
  readonly resumed: number | null;
  /** Of the network, at its head. */
  readonly version: VersionFacts;
  /** Admin token where one is needed, and the file that holds it (null: nothing does). */
  readonly token: { readonly text: string; readonly file: string | null } | null;
};

export type Output = {
  start(net: Devnet, started: Started): void;
  tipset(net: Devnet, tipset: Tipset): void;
  /** A message that waits or was dropped, with the reason. */
  note(net: Devnet, note: PoolNote): void;
  /** Something that a person should see to. */
  warn(text: string): void;
  error(error: unknown): void;
  stop(): Promise<void>;
};

/** A message that was executed, in words. */
type Executed = {
  readonly cid: string;
  readonly method: string;
  readonly from: string;
  readonly to: string;
  readonly value: bigint;
  readonly exitCode: number;
  readonly outcome: string;
  readonly gasUsed: bigint;
};

/** Messages of one tipset that get a line each unless all are asked for. */
const MOST_LINES = 50;
/** Ethereum's accounts, which are those of the mnemonic that its tools take for granted. */
function ethereumLines(net: Devnet, { resumed, version }: Started): string[] {
  const [first] = net.accounts;
  if (!hasEthereum(version.networkVersion) || first === undefined) return [];
  return [ethereumLine(first, net.network, isNew(net, resumed))];
}

/** Whether accounts have what the genesis gave them; nobody knows what the accounts of a fork had there. */
function isNew(net: Devnet, resumed: number | null): boolean {
  return resumed === null && net.forkedFrom === null;
}

/** What the accounts have. */
function balanceLine(net: Devnet, resumed: number | null): string {
  const commands = "filigree account <name>, filigree wallet list";
  return isNew(net, resumed)
    ? `${filText(net.options.balance)} on each address, and on a BLS address beside it (<name>-bls): ${commands}.`
    : `What each address has by now, and a BLS address beside it (<name>-bls): ${commands}.`;
}

/** Milliseconds between two lines that say that epochs pass, when nothing else is to be said. */
const LIFE_MS = 60_000;

/** `now`: milliseconds, of any origin. */
export function openOutput(asJson: boolean, loudness: Loudness, now: () => number = Date.now): Output {
  return asJson ? new JsonOutput(loudness) : new TextOutput(loudness, now);
}

async function executedIn(net: Devnet, tipset: Tipset): Promise<Executed[]> {
  const { chain, states, network } = net.services;
  const messages = await chain.tipsetMessages(tipset);
  if (messages.length === 0) return [];
  const receipts = await chain.receiptsAt((await states.result(tipset)).receiptsRoot);
  const view = await states.stateAfter(tipset);
  const text = (address: Address): string => address.toString(network.prefix);
  return Promise.all(
    messages.map(async ({ cid, message }, i) => {
      const receiver = message.method === 0n ? null : await view.actor(message.to).catch(() => null);
      const exitCode = Number(receipts[i]?.exitCode ?? -1);
      return {
        cid: cid.toString(),
        method: methodText(receiver?.code ?? null, message.method),
        from: text(message.from),
        to: text(message.to),
        value: message.value,
        exitCode,
        outcome: exitCodeText(exitCode),
        gasUsed: BigInt(receipts[i]?.gasUsed ?? 0n),
      };
    }),
  );
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Names of accounts in place of their addresses; else the address without its middle. */
function shortNames(net: Devnet): (address: string) => string {
  const { prefix } = net.network;
  const names = new Map<string, string>([[net.miner.toString(prefix), "miner"]]);
  for (const account of net.accounts) {
    for (const one of [account.secp256k1, account.id]) names.set(one.toString(prefix), account.name);
    for (const one of [account.bls, account.blsId]) names.set(one.toString(prefix), `${account.name}-bls`);
  }
  return (address) =>
    names.get(address) ?? (address.length > 20 ? `${address.slice(0, 8)}…${address.slice(-6)}` : address);
}

/** Lines of the banner: the address first, then the accounts, then the rest. */
export function banner(net: Devnet, started: Started): string[] {
  const { url, data, resumed, version, token } = started;
  const { prefix, chainId, name } = net.network;
  const { seed, mnemonic } = net.options;
  const rows = net.accounts.map((account) => [
    account.name,
    account.id.toString(prefix),
    account.secp256k1.toString(prefix),
    toHex(account.keys.secp256k1.secret),
  ]);
  const table = [["Account", "ID", "Address", "Private key (secp256k1)"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => (row[column] as string).length)));
  return [
    `JSON-RPC   ${url}  (and ${url.replace("http", "ws")})`,
    `Page       ${new URL("/", url).href}  (in a browser: chain, messages, sealing, controls)`,
    ...forkLines(net),
    `Network    "${name}", ${resumed === null ? "new network" : `resumed at epoch ${resumed}`}; ${producers(net)}`,
    versionLine(version),
    ...(token === null ? [] : [`Token      ${tokenText(token, data)}`]),
    "",
    ...table.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")),
    "",
    balanceLine(net, resumed),
    "THESE KEYS ARE PUBLIC: never use them on a real network.",
    "",
    `Mnemonic   ${mnemonic}  (m/44'/461'/0'/0/n)`,
    ...ethereumLines(net, started),
    `Chain id   ${chainId} (${chainIdNote(version)})`,
    `Miner      ${net.miner.toString(prefix)}`,
    `Seed       ${seed}`,
    `Data       ${data ?? "in memory"}`,
    `Mining     ${miningText(net)}`,
    `Next       in another terminal: npx filigree send bob "1 FIL"${place(url)}; Ctrl-C here stops the network`,
    "",
  ];
}

/** When tipsets are made: a network of a file may have been told to make none by itself. */
function miningText({ clock: { isAutomatic, blockTime } }: Devnet): string {
  if (!isAutomatic) return "on call alone, as it was set: filigree lab mine (Devnet.setAutomine turns it on)";
  return blockTime === 0 ? "when a message arrives" : `every ${blockTime} s`;
}

function forkLines({ forkedFrom }: Devnet): string[] {
  if (forkedFrom === null) return [];
  const { url, epoch } = forkedFrom;
  return [`Fork       of ${url} at epoch ${epoch}: what is done here does not reach that network`];
}

/** The option that leads commands to the network, where they would not find it by themselves. */
function place(url: string): string {
  return new URL(url).port === "1234" ? "" : ` --rpc ${url}`;
}

/** Who makes the blocks, and what their proofs are. */
function producers({ local }: Devnet): string {
  if (local === null) return "single producer, no election";
  const miners = `${local.miners.length} ${local.miners.length === 1 ? "miner" : "miners"}`;
  return `${miners}, elected over sealed sectors of ${sizeText(local.miners[0]?.sectorBytes ?? 0)}; ${proofsText(local.verification.facts.proofs ?? { mode: "attested" })}`;
}

class TextOutput implements Output {
  private readonly loudness: Loudness;
  private readonly now: () => number;
  private readonly turns = new Turns();
  /** Tipsets since the last line about them, and when that was; null before the first. */
  private passed = 0;
  private toldAt: number | null = null;
  private coming: ComingVersions | null = null;

  constructor(loudness: Loudness, now: () => number) {
    this.loudness = loudness;
    this.now = now;
  }

  start(net: Devnet, started: Started): void {
    this.coming = new ComingVersions(started.version.toCome, net.head.height);
    const whole = banner(net, started);
    if (this.loudness === "quiet") {
      line(whole[0] as string);
      if (started.token !== null) line(`Token      ${tokenText(started.token, started.data)}`);
    } else for (const one of whole) line(one);
  }

  tipset(net: Devnet, tipset: Tipset): void {
    if (this.loudness === "verbose")
      line(`epoch ${tipset.height}  ${tipset.key.join(" ")}  pending ${net.services.pool.size}`);
    if (this.loudness === "normal") this.life(net, tipset);
    if (this.loudness !== "quiet") for (const one of this.coming?.at(tipset.height) ?? []) line(upgradeText(one));
    this.turns
      .run(() => this.messages(net, tipset))
      .catch((error: unknown) => process.stderr.write(`cannot show epoch ${tipset.height}: ${describeError(error)}\n`));
  }

  /** The first tipset, then a line a minute: that the network lives shows without a message too. */
  private life(net: Devnet, { height }: Tipset): void {
    const now = this.now();
    this.passed++;
    if (this.toldAt === null) line(`epoch ${height}  the network runs`);
    else if (now - this.toldAt >= LIFE_MS)
      line(
        `epoch ${height}  ${countText(this.passed, "tipset")} more, ${countText(net.services.pool.size, "message")} pending`,
      );
    else return;
    this.passed = 0;
    this.toldAt = now;
  }

  private async messages(net: Devnet, tipset: Tipset): Promise<void> {
    const name = shortNames(net);
    const executed = await executedIn(net, tipset);
    const wanted = this.loudness === "quiet" ? executed.filter(({ exitCode }) => exitCode !== 0) : executed;
    const shown = this.loudness === "verbose" ? wanted : wanted.slice(0, MOST_LINES);
    for (const { method, from, to, value, exitCode, outcome, gasUsed, cid } of shown) {
      const amount = value === 0n ? "" : `  ${filText(value)}`;
      const text = `epoch ${tipset.height}  ${method}  ${name(from)} → ${name(to)}${amount}  ${outcome}  gas ${gasUsed}`;
      const whole = this.loudness === "verbose" ? `${text}  ${cid}` : text;
      line(exitCode === 0 ? whole : paint(process.stdout, "red", whole));
    }
    if (shown.length < wanted.length)
      line(
        `epoch ${tipset.height}  and ${countText(wanted.length - shown.length, "message")} more (--verbose shows all)`,
      );
  }

  note(net: Devnet, { kind, cid, message, reason }: PoolNote): void {
    const verb = { dropped: "was dropped", unreadable: "was kept and cannot be read", waits: "waits" }[kind];
    const what = kind === "waits" ? verb : paint(process.stderr, "red", verb);
    const sender = message === null ? "" : shortNames(net)(message.from.toString(net.network.prefix));
    const whose = message === null ? "" : ` of ${sender}, nonce ${message.nonce},`;
    process.stderr.write(`message ${cid}${whose} ${what}: ${reason}\n`);
  }

  warn(text: string): void {
    process.stderr.write(`${paint(process.stderr, "red", "warning:")} ${text}\n`);
  }

  error(error: unknown): void {
    process.stderr.write(`${paint(process.stderr, "red", "mining failed:")} ${describeError(error)}\n`);
  }

  async stop(): Promise<void> {
    await this.turns.idle();
    if (this.loudness !== "quiet") line("stopping");
  }
}

class JsonOutput implements Output {
  private readonly loudness: Loudness;
  private readonly turns = new Turns();
  private coming: ComingVersions | null = null;

  constructor(loudness: Loudness) {
    this.loudness = loudness;
  }

  private say(value: unknown): void {
    line(JSON.stringify(value));
  }

  start(net: Devnet, { url, data, resumed, version, token }: Started): void {
    const { toCome, ...running } = version;
    this.coming = new ComingVersions(toCome, net.head.height);
    const { prefix, chainId, name } = net.network;
    const accounts = net.accounts.map((account) => ({
      ...accountJson(account, net.network, version.networkVersion),
      ...(isNew(net, resumed) ? { balance: account.balance.toString() } : {}),
    }));
    const { seed, mnemonic } = net.options;
    const size = net.local === null ? {} : { sectorSize: net.options.sectorSize };
    const facts = {
      url,
      network: name,
      ...running,
      upgrades: toCome,
      ...size,
      chainId,
      chainIdNote: chainIdNote(version),
      resumed,
      seed,
      mnemonic,
      data,
    };
    const producer = { producer: producers(net), miner: net.miner.toString(prefix) };
    const auth = token === null ? {} : { tokenFile: token.file, ...(token.file === null ? { token: token.text } : {}) };
    const fork = net.forkedFrom === null ? {} : { fork: net.forkedFrom };
    this.say({ event: "start", ...facts, ...fork, ...producer, ...auth, keysArePublic: true, accounts });
  }

  tipset(net: Devnet, tipset: Tipset): void {
    if (this.loudness === "quiet") return;
    for (const one of this.coming?.at(tipset.height) ?? []) this.say({ event: "upgrade", ...one });
    const key = tipset.key.map(String);
    this.say({ event: "head", node: 0, epoch: tipset.height, tipset: key, blocks: tipset.blocks.length });
    this.say({ event: "tipset", epoch: tipset.height, key, pending: net.services.pool.size });
    this.turns
      .run(async () => {
        for (const { value, gasUsed, ...rest } of await executedIn(net, tipset))
          this.say({
            event: "message",
            state: "executed",
            epoch: tipset.height,
            ...rest,
            value: `${value}`,
            gasUsed: Number(gasUsed),
          });
      })
      .catch((error: unknown) => this.error(error));
  }

  note(_: Devnet, { kind, cid, reason }: PoolNote): void {
    this.say({ event: "message", state: kind, cid: cid.toString(), reason });
  }

  warn(text: string): void {
    this.say({ event: "warning", message: text });
  }

  error(error: unknown): void {
    this.say({ event: "error", message: describeError(error) });
  }

  async stop(): Promise<void> {
    await this.turns.idle();
    this.say({ event: "stop" });
  }
}
