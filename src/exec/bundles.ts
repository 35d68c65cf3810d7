/**
 * The bundles at hand: some that are read, and files in which others may be. A file is opened when a bundle is wanted that is not
 * there yet, those first whose name speaks of its network and version; a pack, which has bundles of many networks, is read up to
 * the one that is wanted.
 */
import { describeError } from "../base/errors.ts";
import { checkChoice } from "../base/options.ts";
import { actorBundle, actorBundles, BUNDLE_NAMES, type BundleName } from "../params/actor-codes.ts";
import { isZstd } from "../storage/zstd.ts";
import { cidKey } from "../types/cid.ts";
import { type Bundle, carsIn, missingBundle, readBundle, rootOfCar } from "./bundle.ts";

export type BundleFile = {
  readonly name: string;
  read(): Promise<Uint8Array>;
};

/** Of a file whose name speaks of the version that is wanted; more where it speaks of the network, too. */
const OF_VERSION = 2;
/** Refused files that are told of where a bundle is missing. */
const MOST_TOLD = 3;

function rankOf(network: BundleName, actorsVersion: number): (file: string) => number {
  const named = new RegExp(`(^|[^0-9])v${actorsVersion}[^0-9]`);
  return (file) => OF_VERSION * Number(named.test(file)) + Number(file.includes(network));
}

export class Bundles {
  private readonly read = new Map<string, Bundle>();
  private readonly codes = new Map<string, Uint8Array>();
  /** Files, and the roots of the published bundles in each; null for one that was not read to its end. */
  private readonly files: Map<BundleFile, ReadonlySet<string> | null>;
  private queue: Promise<unknown> = Promise.resolve();
  /** Files that are no bundle, and why. */
  readonly refused = new Map<string, string>();

  constructor(files: Iterable<BundleFile> = []) {
    this.files = new Map([...files].map((file) => [file, null]));
  }

  /** Takes a bundle. */
  add(bundle: Bundle): void {
    this.read.set(cidKey(bundle.root), bundle);
    for (const [key, bytes] of bundle.blocks) this.codes.set(key, bytes);
  }

  /** A block of a bundle that was read, by its binary CID. */
  peek(cid: Uint8Array): Uint8Array | undefined {
    return this.codes.get(cidKey(cid));
  }

  /** A published bundle, from a file if need be; undefined if no file has it. Throws `OptionError` for a network that has none. */
  find(network: BundleName, actorsVersion: number): Promise<Bundle | undefined> {
    const turn = this.queue.then(() => this.search(network, actorsVersion));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** The same; throws `BundleError` MISSING_BUNDLE, which says the next step, if no file has it. */
  async require(network: BundleName, actorsVersion: number): Promise<Bundle> {
    const found = await this.find(network, actorsVersion);
    if (found !== undefined) return found;
    const rank = rankOf(network, actorsVersion);
    const refused = [...this.refused].filter(([name]) => rank(name) >= OF_VERSION).slice(0, MOST_TOLD);
    throw missingBundle(network, actorsVersion, refused);
  }

  private async search(network: BundleName, actorsVersion: number): Promise<Bundle | undefined> {
    checkChoice("network", network, BUNDLE_NAMES);
    const wanted = actorBundle(network, actorsVersion);
    if (wanted === undefined) return undefined;
    const key = cidKey(wanted.manifest);
    const rank = rankOf(network, actorsVersion);
    const order = [...this.files.keys()].sort((a, b) => rank(b.name) - rank(a.name));
    for (const file of order) {
      const known = this.read.get(key);
      if (known !== undefined) return known;
      if (this.files.get(file)?.has(key) ?? true) await this.open(file, key);
    }
    return this.read.get(key);
  }

  /** Reads a file up to the bundle with the root `wanted`. */
  private async open(file: BundleFile, wanted: string): Promise<void> {
    const published = new Set(actorBundles().map(({ manifest }) => cidKey(manifest)));
    const there = new Set<string>();
    try {
      const bytes = await file.read();
      const isPack = isZstd(bytes);
      for (const car of carsIn(bytes)) {
        const root = rootOfCar(car);
        const key = root === null ? "" : cidKey(root);
        if (published.has(key)) there.add(key);
        // A pack holds bundles of networks that are in no table, too: their codes are not looked at. Any other file is told what is wrong with it.
        else if (!isPack || root === null) await readBundle(car);
        if (key !== wanted) continue;
        this.add(await readBundle(car));
        return;
      }
      if (there.size === 0) this.refused.set(file.name, "it holds no published bundle");
      this.files.set(file, there);
    } catch (error) {
      this.refused.set(file.name, describeError(error));
      this.files.delete(file);
    }
  }
}
