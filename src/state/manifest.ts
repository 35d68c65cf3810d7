/**
 * The published actors that a state names: the system actor's state leads to the list of names and codes.
 * Source: ref-fvm at ef0a99370839 fvm/src/machine/manifest.rs; lotus at b835fab702eb chain/actors/manifest.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { loadNode } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { CID, cidOfBlock } from "../types/cid.ts";
import { SYSTEM } from "../types/singletons.ts";
import { StateError, type StateView } from "./state-view.ts";

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
