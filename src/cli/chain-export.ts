/** Writing a snapshot into a file: from a data folder, or in pieces from a running node. */
import type { FileHandle } from "node:fs/promises";
import { concat } from "../base/bytes.ts";
import { decodeVarint, encodeVarint } from "../base/varint.ts";
import type { Chain } from "../chain/chain.ts";
import { ChainError } from "../chain/errors.ts";
import { exportChain } from "../chain/export.ts";
import { encodeMetadata } from "../chain/snapshot-format.ts";
import type { Subscription } from "../client.ts";
import { carHeader, readCarHeader } from "../storage/car.ts";
import type { Tipset } from "../types/block-header.ts";
import { cidFromBytes } from "../types/cid.ts";
import { UsageError } from "./errors.ts";
import { NodeRefusal, type Remote } from "./remote.ts";
import type { Link } from "./remote-call.ts";

export type ExportWish = {
  readonly recentRoots: number;
  readonly skipOldMessages: boolean;
  readonly receipts: boolean;
  readonly version: 1 | 2;
  /** "@<epoch>", or CIDs of blocks with commas between; absent: the head. */
  readonly tipset?: string;
};
export type Exported = { readonly epoch: number; readonly tipset: readonly string[]; readonly bytes: number };

type Report = (bytes: number) => void;

/** Bytes that are written at once. */
const PIECE = 1 << 20;
/** Bytes that wait to be written before a node is asked to pause. */
const AHEAD = 8 << 20;
/** Longest header of a CAR file that is waited for, bytes. */
const MAX_HEAD = 64 << 10;

/** What is meant by `--tipset`. */
export function parseTipset(text: string): { readonly epoch: number } | { readonly cids: readonly string[] } {
  if (/^@\d{1,15}$/.test(text)) return { epoch: Number(text.slice(1)) };
  if (/^\w+(,\w+)*$/.test(text)) return { cids: text.split(",") };
  throw new UsageError("--tipset takes @<epoch>, or CIDs of blocks with commas between");
}

export async function exportFolder(
  chain: Chain,
  tipset: Tipset,
  wish: ExportWish,
  handle: FileHandle,
  options: { readonly signal: AbortSignal; readonly report: Report },
): Promise<Exported> {
  let [held, size, bytes]: [Uint8Array[], number, number] = [[], 0, 0];
  const flush = async (): Promise<void> => {
    options.signal.throwIfAborted();
    // Unlike `write`, which may stop short where the disk is nearly full.
    await handle.writeFile(concat(...held));
    bytes += size;
    options.report(bytes);
    [held, size] = [[], 0];
  };
  for await (const part of exportChain(chain, tipset, wish)) {
    held.push(part);
    size += part.length;
    if (size >= PIECE) await flush();
  }
  await flush();
  return { epoch: tipset.height, tipset: tipset.key.map(String), bytes };
}

type Head = { readonly Cids: readonly Link[]; readonly Height: number };

/** As `exportFolder`, from a node: `ChainExport`, which knows format 1; for format 2 its metadata are put in front. */
export async function exportRemote(
  remote: Remote,
  wish: ExportWish,
  handle: FileHandle,
  options: { readonly signal: AbortSignal; readonly report: Report },
): Promise<Exported> {
  if (wish.receipts) throw new UsageError("a node exports no receipts; --receipts needs --data");
  const wanted = wish.tipset === undefined ? null : parseTipset(wish.tipset);
  const head =
    wanted === null
      ? await remote.call<Head>("ChainHead")
      : "epoch" in wanted
        ? await remote.call<Head>("ChainGetTipSetByHeight", wanted.epoch, null)
        : await remote.call<Head>(
            "ChainGetTipSet",
            wanted.cids.map((cid) => ({ "/": cid })),
          );
  const socket = await remote.socket();
  const sink = new Sink(handle, socket, wish.version, options.report);
  const stop = (): void => socket.node.close();
  options.signal.addEventListener("abort", stop);
  try {
    const file = await socket.node.ChainExport(
      (piece: string) => sink.take(Uint8Array.from(Buffer.from(piece, "base64"))),
      ...([wish.recentRoots, wish.skipOldMessages, head.Cids] as const),
    );
    await file.ended;
    options.signal.throwIfAborted();
    await sink.end();
  } finally {
    options.signal.removeEventListener("abort", stop);
    socket.node.close();
  }
  return { epoch: head.Height, tipset: head.Cids.map((cid) => cid["/"]), bytes: sink.bytes };
}

/** Which option a refusal is about, which a node and a folder tell alike: neither knows the command's. */
export function withOption(error: unknown): unknown {
  const { message } = error as Error;
  const [, epochs] = /those of (\d+) epochs can be exported$/.exec(message) ?? [];
  const option =
    epochs !== undefined
      ? `--recent-stateroots ${epochs}`
      : /an export has to leave out older ones$/.test(message)
        ? "--skip-old-msgs"
        : null;
  if (option === null) return error;
  const text = `${message}: ${option}`;
  return error instanceof ChainError ? new ChainError(error.data, text) : new NodeRefusal(text, { cause: error });
}

/** Writes a local network's file as its node sends it (`Devnet.dump`); gives the bytes. */
export async function carOfNetwork(
  remote: Remote,
  handle: FileHandle,
  { signal, report }: { readonly signal: AbortSignal; readonly report: Report },
): Promise<number> {
  // By another call first: what a node refuses is told by that, in words.
  await remote.call("Devnet.snapshots");
  const socket = await remote.socket();
  const sink = new Sink(handle, socket, 1, report);
  const stop = (): void => socket.node.close();
  signal.addEventListener("abort", stop);
  try {
    const take = (piece: string): void => sink.take(Uint8Array.from(Buffer.from(piece, "base64")));
    const file = (await socket.node.request("Devnet.dump", take)) as Subscription;
    await file.ended;
    signal.throwIfAborted();
    await sink.end();
  } finally {
    signal.removeEventListener("abort", stop);
    socket.node.close();
  }
  return sink.bytes;
}

/** Writes what comes, in order, and has the node pause when the disk is slower. */
class Sink {
  bytes = 0;
  private readonly handle: FileHandle;
  private readonly socket: { pause(): void; resume(): void };
  private readonly version: 1 | 2;
  private readonly report: Report;
  private head: Uint8Array | null = new Uint8Array(0);
  private whole = false;
  private waiting = 0;
  private failure: unknown = null;
  private writing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, socket: { pause(): void; resume(): void }, version: 1 | 2, report: Report) {
    this.handle = handle;
    this.socket = socket;
    this.version = version;
    this.report = report;
  }

  take(piece: Uint8Array): void {
    // The last piece is empty: without it the file was cut short.
    if (piece.length === 0) this.whole = true;
    else if (this.version === 1 || this.head === null) this.write(piece);
    else {
      this.head = concat(this.head, piece);
      try {
        const rest = this.replaced(this.head);
        if (rest === null) return;
        this.write(rest);
      } catch (cause) {
        this.failure ??= new Error("the node's answer does not begin like a CAR file", { cause });
      }
      this.head = null;
    }
  }

  /** The beginning of format 2 for that of format 1; null while that is not there whole. Throws if it is none. */
  private replaced(held: Uint8Array): Uint8Array | null {
    const length = decodeVarint(held, 0);
    if (length === "cut short") return null;
    if (typeof length === "string") throw new Error(`length is ${length}`);
    const end = length.size + Number(length.value);
    if (end > MAX_HEAD) throw new Error(`header of ${length.value} bytes`);
    if (held.length < end) return null;
    const roots = readCarHeader(held.subarray(length.size, end), 0).map(cidFromBytes);
    const { cid, bytes } = encodeMetadata({ head: roots, f3: null });
    const section = concat(encodeVarint(cid.length + bytes.length), cid, bytes);
    return concat(carHeader([cidFromBytes(cid)]), section, held.subarray(end));
  }

  private write(piece: Uint8Array): void {
    this.waiting += piece.length;
    if (this.waiting > AHEAD) this.socket.pause();
    this.writing = this.writing.then(async () => {
      if (this.failure === null)
        await this.handle.writeFile(piece).catch((error: unknown) => {
          this.failure ??= error;
        });
      this.bytes += piece.length;
      this.waiting -= piece.length;
      this.report(this.bytes);
      if (this.waiting <= AHEAD / 2) this.socket.resume();
    });
  }

  async end(): Promise<void> {
    await this.writing;
    if (this.failure !== null) throw this.failure;
    if (!this.whole)
      throw new Error(
        "the node ended the export before it was whole, as when it is stopped or lacks a block; on its folder, stopped, the same command with --data says which",
      );
  }
}
