/**
 * Code CIDs of the built-in actors: which actor, of which version, a code stands for, and which codes are in force.
 *
 * Below network version 16 a code is the identity CID of a text ("fil/2/account"; actors v0 are "fil/1"). From 16 on it is
 * the CID of a WebAssembly module; each network has modules of its own.
 */
import { findVersion } from "../schema/versions/rows.ts";
import { CID, cidOfText, textOfCid } from "../types/cid.ts";
import { CALIBRATIONNET_BUNDLES } from "./bundles/calibrationnet.ts";
import { DEVNET_BUNDLES } from "./bundles/devnet.ts";
import { MAINNET_BUNDLES } from "./bundles/mainnet.ts";

/** Whose modules: networks with the parameters of the actors compiled in. */
export const BUNDLE_NAMES = ["mainnet", "calibrationnet", "devnet"] as const;
export type BundleName = (typeof BUNDLE_NAMES)[number];

export type ActorBundle = {
  readonly name: BundleName;
  readonly actorsVersion: number;
  /** What the state of the system actor, or the root of a bundle's CAR, leads to. */
  readonly manifest: CID;
  /** By name, in the manifest's order. */
  readonly codes: ReadonlyMap<string, CID>;
};

const TEXTS: Readonly<Record<BundleName, string>> = {
  mainnet: MAINNET_BUNDLES,
  calibrationnet: CALIBRATIONNET_BUNDLES,
  devnet: DEVNET_BUNDLES,
};

/** Actors of the versions below 8, in the order of the later manifests. Source: specs-actors actors/builtin/codes.go. */
const NATIVE_NAMES: readonly string[] = [
  "system",
  "init",
  "cron",
  "account",
  "storagepower",
  "storageminer",
  "storagemarket",
  "paymentchannel",
  "multisig",
  "reward",
  "verifiedregistry",
];

const FIRST_BUNDLE = 8;

function parse(name: BundleName): ActorBundle[] {
  const bundles: ActorBundle[] = [];
  let codes = new Map<string, CID>();
  for (const line of TEXTS[name].split("\n")) {
    const [key, cid] = line.trim().split(" ");
    if (key === undefined || cid === undefined) continue;
    if (line.startsWith(" ")) codes.set(key, CID.parse(cid));
    else {
      codes = new Map();
      bundles.push({ name, actorsVersion: Number(key), manifest: CID.parse(cid), codes });
    }
  }
  return bundles;
}

let parsed: readonly ActorBundle[] | undefined;

/** Every bundle that is known, by network and version. */
export function actorBundles(): readonly ActorBundle[] {
  parsed ??= (Object.keys(TEXTS) as BundleName[]).flatMap(parse);
  return parsed;
}

function textCode(actorsVersion: number, name: string): CID {
  return cidOfText(`fil/${actorsVersion === 0 ? 1 : actorsVersion}/${name}`);
}

/** Code of an actor of the native machine under a network version (below 16). */
export function nativeCode(networkVersion: number, name: string): CID {
  const actors = findVersion(networkVersion)?.actors;
  if (actors === undefined || actors >= FIRST_BUNDLE)
    throw new RangeError(`network version ${networkVersion} has no actors with a textual code`);
  return textCode(actors, name);
}

/**
 * A code by which an actor's messages are described under a network version, whosever modules the network has. Throws `RangeError` where
 * there is no such actor.
 */
export function describedCode(networkVersion: number, name: string): CID {
  const code = actorCodes("devnet", networkVersion)?.get(name);
  if (code === undefined) throw new RangeError(`network version ${networkVersion} has no actor ${name}`);
  return code;
}

/** Codes of the actors under a network version, by name; undefined for a version that is not known. */
export function actorCodes(bundle: BundleName, networkVersion: number): ReadonlyMap<string, CID> | undefined {
  const actors = findVersion(networkVersion)?.actors;
  if (actors === undefined) return undefined;
  if (actors < FIRST_BUNDLE) return new Map(NATIVE_NAMES.map((name) => [name, textCode(actors, name)]));
  return actorBundle(bundle, actors)?.codes;
}

/** The published modules of a network under an actors version, 8 and up. */
export function actorBundle(bundle: BundleName, actorsVersion: number): ActorBundle | undefined {
  return actorBundles().find((one) => one.name === bundle && one.actorsVersion === actorsVersion);
}

export type NamedCode = { readonly name: string; readonly actorsVersion: number };

let byCode: ReadonlyMap<string, NamedCode> | undefined;

/** Name and version of the actor that a code stands for, on whatever network; null if it is none. */
export function actorOfCode(code: CID): NamedCode | null {
  const match = /^fil\/([1-7])\/([a-z]+)$/.exec(textOfCid(code) ?? "");
  if (match !== null) {
    const [, number, name] = match as unknown as [string, string, string];
    if (!NATIVE_NAMES.includes(name)) return null;
    return { name, actorsVersion: number === "1" ? 0 : Number(number) };
  }
  byCode ??= new Map(
    actorBundles()
      .flatMap(({ actorsVersion, codes }) =>
        // The placeholder is the same module in every version: its code tells the first.
        [...codes].reverse().map(([name, cid]) => [cid.toString(), { name, actorsVersion }] as const),
      )
      .reverse(),
  );
  return byCode.get(code.toString()) ?? null;
}
