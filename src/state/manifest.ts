/**
 * The published actors that a state names: the system actor's state leads to the list of names and codes.
 * Source: ref-fvm at ef0a99370839 fvm/src/machine/manifest.rs; lotus at b835fab702eb chain/actors/manifest.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { loadNode } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { CID, cidKey, cidOfBlock } from "../types/cid.ts";
import { SYSTEM } from "../types/singletons.ts";
import { type ActorEntry, StateError, type StateView } from "./state-view.ts";

export type RunningActors = {
  /** Root of a bundle that has them, by which it is known. */
  readonly root: CID;
  /** By name, in the manifest's order. */
  readonly codes: ReadonlyMap<string, CID>;
};

/** Version that a manifest's root begins with. */
const MANIFEST_VERSION = 1;

/** Throws `StateError` BAD_STATE where the state names no list of actors, as before network version 16. */
export async function readManifest(blocks: BlockSource, view: StateView): Promise<RunningActors> {
  const bad = (): never => {
    throw new StateError({ code: "BAD_STATE", reason: "manifest" }, "the system actor's state names no list of actors");
  };
  const system = await loadNode(blocks, (await view.requireActor(SYSTEM)).head);
  const link = Array.isArray(system) ? CID.asCID(system[0]) : null;
  if (link === null) return bad();
  const list = await loadNode(blocks, link);
  if (!Array.isArray(list)) return bad();
  const codes = new Map<string, CID>();
  for (const entry of list as unknown[]) {
    const [name, code] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const cid = CID.asCID(code);
    if (typeof name !== "string" || cid === null) return bad();
    codes.set(name, cid);
  }
  return { root: cidOfBlock(dagCbor.encode([MANIFEST_VERSION, link])), codes };
}

/** Who may send messages in the FVM: any nonce, and only a first message. Source: ref-fvm at ef0a99370839 fvm/src/executor/default.rs. */
const SENDERS = { any: ["account", "ethaccount"], first: "placeholder" } as const;

/** Tells which actors may send messages, by the list of actors that a state names. */
export class Senders {
  private readonly blocks: BlockSource;
  /** Of the list looked at last: it changes with upgrades alone. */
  private known: { readonly head: string; readonly any: ReadonlySet<string>; readonly first: string } | null = null;

  constructor(blocks: BlockSource) {
    this.blocks = blocks;
  }

  /** Whether an actor of a state of the FVM may. */
  async may(view: StateView, { code, nonce, delegated }: ActorEntry): Promise<boolean> {
    const { any, first } = await this.codesOf(view);
    const key = cidKey(code);
    return any.has(key) || (key === first && nonce === 0n && delegated?.ethereum != null);
  }

  private async codesOf(view: StateView) {
    const head = `${(await view.requireActor(SYSTEM)).head}`;
    if (this.known?.head === head) return this.known;
    const { codes } = await readManifest(this.blocks, view);
    const keyOf = (name: string): string => {
      const code = codes.get(name);
      return code === undefined ? "" : cidKey(code);
    };
    this.known = { head, any: new Set(SENDERS.any.map(keyOf)), first: keyOf(SENDERS.first) };
    return this.known;
  }
}
