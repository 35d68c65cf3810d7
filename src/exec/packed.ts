/**
 * Many byte strings as views of one buffer. A clone into another thread costs by the buffer: a thousand small ones take
 * five times what the rest of a tipset's result takes.
 */
import type { ApplyRet } from "../core/vm.ts";
import { type Block, type CID, cidFromBytes } from "../types/cid.ts";
import type { ExecutionResult, MessageInput, MessageResult, TrialResult } from "./types.ts";

export function packed(parts: readonly Uint8Array[]): Uint8Array[] {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  return parts.map((part) => {
    const view = all.subarray(at, at + part.length);
    view.set(part);
    at += part.length;
    return view;
  });
}

export function packMessages<One extends Pick<MessageInput, "bytes">>(messages: readonly One[]): One[] {
  const bytes = packed(messages.map((message) => message.bytes));
  return messages.map((message, i) => ({ ...message, bytes: bytes[i] as Uint8Array }));
}

/** Blocks lie apart from the rest, since they are kept longer. */
function packBlocks(blocks: readonly Block[]): Block[] {
  const parts = packed(blocks.flatMap(({ cid, bytes }) => [cid, bytes]));
  return blocks.map((_, i) => ({ cid: parts[2 * i] as Uint8Array, bytes: parts[2 * i + 1] as Uint8Array }));
}

function packApplied<One extends ApplyRet>(applied: readonly One[]): One[] {
  const returns = packed(applied.map((one) => one.return));
  return applied.map((one, i) => ({ ...one, return: returns[i] as Uint8Array }));
}

export type AnyResult = ExecutionResult | MessageResult | TrialResult;

/** With its CIDs in binary: a class is lost between threads. */
export type Binary<T> = { [Key in keyof T]: T[Key] extends CID ? Uint8Array : T[Key] };
export type PackedResult = Binary<ExecutionResult> | Binary<MessageResult> | Binary<TrialResult>;

export function packResult(result: AnyResult): PackedResult {
  const stateRoot = result.stateRoot.bytes;
  if (!("blocks" in result) || result.blocks === undefined)
    return { stateRoot, applied: packApplied(packMessages((result as TrialResult).applied)) };
  const blocks = packBlocks(result.blocks);
  if (!("receiptsRoot" in result)) return { ...result, blocks, stateRoot } as PackedResult;
  const applied = packApplied(packMessages(result.applied));
  return { ...result, blocks, stateRoot, receiptsRoot: result.receiptsRoot.bytes, applied };
}

export function unpackResult(packed: PackedResult): AnyResult {
  const stateRoot = cidFromBytes(packed.stateRoot);
  if (!("receiptsRoot" in packed)) return { ...packed, stateRoot };
  return { ...packed, stateRoot, receiptsRoot: cidFromBytes(packed.receiptsRoot) };
}
