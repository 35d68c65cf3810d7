/** Files of bundles that commands are given: one, or those of a folder. */
import { statSync } from "node:fs";
import path from "node:path";
import { type Bundle, BundleError, carsIn, missingBundle, readBundle, rootOfCar } from "../exec/bundle.ts";
import { type BundleFile, Bundles } from "../exec/bundles.ts";
import { actorBundles } from "../params/actor-codes.ts";
import { findVersion } from "../schema/versions/rows.ts";
import { BUNDLE_FOLDER, BundleStore, readBundleFile } from "./bundle-store.ts";

/** Bundles of a pack that an error names. */
const MOST_NAMED = 6;

/** Whose actors a local network takes unless a file says otherwise: those with parameters of the reference's own local networks. */
const LOCAL = "devnet";

/**
 * The actors of a local network's version: from a file that is named (the bundle of a CAR, whosever it is; of a pack that of local
 * networks), or from those that are kept; undefined if none are kept, which throws where one is needed.
 */
export async function bundleFor(
  networkVersion: number,
  file: string | undefined,
  isNeeded: boolean,
): Promise<Bundle | undefined> {
  const actors = findVersion(networkVersion)?.actors ?? 0;
  if (file === undefined) {
    const kept = new Bundles(await new BundleStore(BUNDLE_FOLDER).sources());
    return isNeeded ? kept.require(LOCAL, actors) : kept.find(LOCAL, actors);
  }
  const bytes = await readBundleFile(file);
  const [only, another] = await firstTwo(file, bytes);
  if (only !== undefined && another === undefined) return named(file, () => readBundle(only));
  const found = await new Bundles([{ name: path.basename(file), read: async () => bytes }]).find(LOCAL, actors);
  if (found === undefined) throw await notIn(file, bytes, { networkVersion, actors });
  return found;
}

/** That a pack does not have the actors of a version: which it has, and where others are. */
async function notIn(
  file: string,
  bytes: Uint8Array,
  { networkVersion, actors }: { readonly networkVersion: number; readonly actors: number },
): Promise<BundleError> {
  const there = await named(file, async () => {
    const names: string[] = [];
    for (const car of carsIn(bytes)) {
      const root = rootOfCar(car);
      const published = actorBundles().find(({ manifest }) => root !== null && manifest.equals(root));
      if (published !== undefined) names.push(`v${published.actorsVersion} of ${published.name}`);
    }
    return names;
  });
  const isKept = (await new Bundles(await new BundleStore(BUNDLE_FOLDER).sources()).find(LOCAL, actors)) !== undefined;
  const missing = missingBundle(LOCAL, actors);
  const next = isKept ? `those are kept in ${BUNDLE_FOLDER}: leave --bundle out` : missing.message;
  const has = there.length === 0 ? "no published actors" : `the actors ${there.slice(0, MOST_NAMED).join(", ")}`;
  return new BundleError(
    missing.data,
    `${file} has ${has}, and network version ${networkVersion} runs v${actors} of ${LOCAL}: ${next}`,
  );
}

/** The bundles that are kept, and those of a file that is named: of a network that says itself which ones it needs. */
export async function bundlesAtHand(file: string | undefined): Promise<Bundles> {
  const kept = await new BundleStore(BUNDLE_FOLDER).sources();
  if (file === undefined) return new Bundles(kept);
  const bytes = await readBundleFile(file);
  const [only, another] = await firstTwo(file, bytes);
  if (only === undefined || another !== undefined)
    return new Bundles([{ name: path.basename(file), read: async () => bytes }, ...kept]);
  const bundles = new Bundles(kept);
  bundles.add(await named(file, () => readBundle(only)));
  return bundles;
}

/** Of a file's CARs the first two: no more of a pack is decompressed than tells that it has several. */
function firstTwo(file: string, bytes: Uint8Array): Promise<readonly (Uint8Array | undefined)[]> {
  return named(file, async () => {
    const [first, second] = carsIn(bytes);
    return [first, second];
  });
}

/** Says which file an error of a bundle is about; `ofUnknown` behind what is said of one that nobody published. */
export async function named<Result>(file: string, work: () => Promise<Result>, ofUnknown = ""): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    const hint = error.code === "UNKNOWN_BUNDLE" ? ofUnknown : "";
    throw new BundleError(error.data, `${file}: ${error.message}${hint}`, { cause: error.cause });
  }
}

/** The bundles' files at a place. Throws if there are none. */
export async function bundleFiles(place: string): Promise<BundleFile[]> {
  if (statSync(place).isFile()) return [{ name: path.basename(place), read: () => readBundleFile(place) }];
  const files = await new BundleStore(place).sources();
  if (files.length === 0)
    throw new Error(`no bundle in ${place}: expected .car files of the actors' releases, or vN.tar.zst packs`);
  return files;
}
