/**
 * Bundles of actors: the published WebAssembly modules that the FVM runs, from the files in which they are published.
 *
 *   a CAR        root [1, manifest], manifest [[name, code] ...], the codes as raw blocks
 *   a pack       a tar archive of such CARs, one a network, compressed by Zstandard (`vN.tar.zst` of the reference node)
 *
 * Every block's bytes are checked against its CID, and what they are against the built-in table of published manifests: a
 * bundle that is not published is taken only where the caller says so. Actors are the user's files; none come with the package.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { describeError, FilError } from "../base/errors.ts";
import { checkNames } from "../base/options.ts";
import { loadCrypto } from "../core/crypto.ts";
import { type ActorBundle, actorBundles, type BundleName } from "../params/actor-codes.ts";
import { readCar } from "../storage/car.ts";
import { checkBlock } from "../storage/check-block.ts";
import { TarReader } from "../storage/tar.ts";
import { isZstd, ZstdError, zstdParts } from "../storage/zstd.ts";
import { CID, cidKey } from "../types/cid.ts";

export type BundleErrorData =
  /** No bundle: another file, or one whose blocks are not what their CIDs say. */
  | { readonly code: "BAD_BUNDLE" }
  /** A bundle that is in no table. `root` is the text of its CID. */
  | { readonly code: "UNKNOWN_BUNDLE"; readonly root: string }
  /** A bundle that a network needs, and that nobody gave. */
  | { readonly code: "MISSING_BUNDLE"; readonly network: BundleName; readonly actorsVersion: number };
export class BundleError extends FilError<BundleErrorData> {}

export type Bundle = {
  /** Root of its CAR, by which it is known. */
  readonly root: CID;
  /** The list of its actors, which a state names. */
  readonly manifest: CID;
  /** Codes by name, in the manifest's order. */
  readonly codes: ReadonlyMap<string, CID>;
  /** Which published bundle it is; null for one of the user's own. */
  readonly published: ActorBundle | null;
  /** Manifest and codes, by the keys of their CIDs. */
  readonly blocks: ReadonlyMap<string, Uint8Array>;
};

/** That a network's actors are not at hand, with the next step. `refused`: files that might have been them, and why they are not. */
export function missingBundle(
  network: BundleName,
  actorsVersion: number,
  refused: readonly (readonly [file: string, why: string])[] = [],
): BundleError {
  const why = refused.map(([file, reason]) => ` (${file} is refused: ${reason})`).join("");
  return new BundleError(
    { code: "MISSING_BUNDLE", network, actorsVersion },
    `the actors v${actorsVersion} of ${network} are not at hand${why}: take builtin-actors-${network}.car from a release ` +
      `v${actorsVersion} of filecoin-project/builtin-actors, and give it (\`filigree bundle add <file>\`; in a program as the option \`bundle\`)`,
  );
}

/** Most bytes of a pack when it is decompressed, and of a file that is taken for a bundle; actors of one. */
export const MAX_PACK = 512 << 20;
export const MAX_ACTORS = 256;

function bad(why: string, cause?: unknown): never {
  throw new BundleError({ code: "BAD_BUNDLE" }, `no bundle of actors: ${why}`, { cause });
}

/** The CARs in a file, one after another: itself, or those of a pack, which is decompressed as far as they are asked for. */
export function* carsIn(file: Uint8Array): Generator<Uint8Array> {
  if (!isZstd(file)) return yield file;
  const tar = new TarReader();
  try {
    for (const part of zstdParts(file, MAX_PACK))
      for (const { name, bytes } of tar.push(part)) if (name.endsWith(".car")) yield bytes;
    tar.end();
  } catch (error) {
    if (error instanceof ZstdError) bad(`the pack: ${describeError(error)}`, error);
    if (error instanceof BundleError) throw error;
    bad("the pack is no tar archive", error);
  }
}

/** The CARs in a file: itself, or those of a pack. */
export function carsOf(file: Uint8Array): readonly Uint8Array[] {
  return [...carsIn(file)];
}

/** A CAR's root; null for what has none, or is no CAR. */
export function rootOfCar(car: Uint8Array): CID | null {
  try {
    const [root] = readCar(car).roots;
    return root === undefined ? null : CID.decode(root);
  } catch {
    return null;
  }
}

/** Reads a bundle's CAR. Throws `BAD_BUNDLE`, or `UNKNOWN_BUNDLE` for one that is not published, unless `unknown` allows it. */
export async function readBundle(car: Uint8Array, options: { readonly unknown?: boolean } = {}): Promise<Bundle> {
  checkNames<{ readonly unknown?: boolean }>("readBundle", options, { unknown: true });
  if (isZstd(car))
    bad("the file is a pack of several: `Bundles` finds one in it, `carsOf` takes it apart (filigree/vm)");
  const crypto = await loadCrypto();
  const all = new Map<string, Uint8Array>();
  let root: CID;
  try {
    const { roots, blocks } = readCar(car);
    for (const block of blocks) {
      if (checkBlock(block, crypto) !== "right") bad(`a block is not what its CID ${CID.decode(block.cid)} says`);
      all.set(cidKey(block.cid), block.bytes);
    }
    root = CID.decode(roots[0] ?? bad("the file has no root"));
  } catch (error) {
    if (error instanceof BundleError) throw error;
    return bad("the file is no CAR", error);
  }
  const manifest = manifestLink(decoded(all, root));
  const codes = codesOf(decoded(all, manifest));
  const published = actorBundles().find((one) => one.manifest.equals(root)) ?? null;
  if (published === null && options.unknown !== true)
    throw new BundleError({ code: "UNKNOWN_BUNDLE", root: `${root}` }, `no published bundle has the root ${root}`);
  const blocks = new Map<string, Uint8Array>();
  for (const cid of [manifest, ...codes.values()]) {
    const bytes = all.get(cidKey(cid)) ?? bad(`the code ${cid} is missing`);
    // A copy: the views would keep the whole pack.
    blocks.set(cidKey(cid), bytes.slice());
  }
  return { root, manifest, codes, published, blocks };
}

function decoded(blocks: ReadonlyMap<string, Uint8Array>, cid: CID): unknown {
  const bytes = blocks.get(cidKey(cid)) ?? bad(`the block ${cid} is missing`);
  try {
    return dagCbor.decode(bytes);
  } catch (error) {
    return bad(`the block ${cid} is no DAG-CBOR`, error);
  }
}

function manifestLink(root: unknown): CID {
  const [version, link] = Array.isArray(root) ? (root as unknown[]) : [];
  const cid = CID.asCID(link);
  return version === 1 && cid !== null ? cid : bad("its root is no manifest of version 1");
}

function codesOf(manifest: unknown): Map<string, CID> {
  if (!Array.isArray(manifest) || manifest.length > MAX_ACTORS) return bad("its manifest is no list of actors");
  const codes = new Map<string, CID>();
  for (const entry of manifest as unknown[]) {
    const [name, code] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const cid = CID.asCID(code);
    if (typeof name !== "string" || cid === null) return bad("its manifest is no list of actors");
    codes.set(name, cid);
  }
  return codes;
}
