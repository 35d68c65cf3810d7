/**
 * The folder in which bundles of actors are kept: one CAR file a bundle, named by network and version (`devnet-v10.car`), or by
 * its root where it is none of the published ones (`own-bafy….car`). Every file was checked when it was taken in.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { type Bundle, BundleError, carsOf, MAX_PACK, readBundle } from "../exec/bundle.ts";
import type { BundleFile } from "../exec/bundles.ts";
import type { BundleName } from "../params/actor-codes.ts";
import { readAtMost, TooLargeFile } from "./read-at-most.ts";

/** Where bundles are kept, when nobody says where. */
export const BUNDLE_FOLDER = process.env["FILIGREE_BUNDLES"] ?? ".filigree/bundles";

/** Names of files that may be bundles. */
const BUNDLE = /\.(car|tar\.zst)$/;

export type AddOptions = {
  /** Of a pack, the bundle of this network alone. */
  readonly network?: BundleName;
  /** Takes bundles that are in no table, too. */
  readonly unknown?: boolean;
};

export type Kept = { readonly name: string; readonly file: string; readonly bundle: Bundle };

/** What the names of bundles begin with that are none of the published ones. */
const OWN = "own-";

/** The name that a bundle is kept by. */
export function bundleName({ published, root }: Bundle): string {
  return published === null ? `${OWN}${root}` : `${published.name}-v${published.actorsVersion}`;
}

/** Whether a name is that of a bundle that is none of the published ones; other names may be anybody's, and packs of several bundles. */
export function isOwnName(name: string): boolean {
  return name.startsWith(OWN);
}

/** Reads a file that may be a bundle; refuses one that is larger than any. */
export async function readBundleFile(file: string): Promise<Uint8Array> {
  try {
    return await readAtMost(file, MAX_PACK, "any bundle of actors");
  } catch (error) {
    if (!(error instanceof TooLargeFile)) throw error;
    throw new BundleError({ code: "BAD_BUNDLE" }, error.message);
  }
}

export class BundleStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Takes in the bundles of a file's bytes: checks every block, and keeps those that are published. Throws `BundleError` for what is
   * no bundle, and `UNKNOWN_BUNDLE` where none of them is published.
   */
  async add(bytes: Uint8Array, { network, unknown = false }: AddOptions = {}): Promise<Kept[]> {
    const kept: Kept[] = [];
    let refused: BundleError | null = null;
    for (const car of carsOf(bytes)) {
      try {
        const bundle = await readBundle(car, { unknown });
        if (network !== undefined && bundle.published?.name !== network) continue;
        const name = bundleName(bundle);
        kept.push({ name, file: await this.write(`${name}.car`, car), bundle });
      } catch (error) {
        // A pack holds bundles of networks that are in no table, too.
        if (!(error instanceof BundleError) || error.code !== "UNKNOWN_BUNDLE") throw error;
        refused = error;
      }
    }
    if (kept.length > 0) return kept;
    if (network !== undefined)
      throw new BundleError({ code: "BAD_BUNDLE" }, `the file holds no bundle of ${network} that is published`);
    throw refused ?? new BundleError({ code: "BAD_BUNDLE" }, "the file holds no bundle");
  }

  /** The files that are kept, by name, and nothing else that lies there; none if there is no folder. */
  async files(): Promise<readonly { readonly name: string; readonly file: string; readonly size: number }[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const files = names.filter((name) => BUNDLE.test(name)).sort();
    const kept = await Promise.all(
      files.map(async (name) => {
        const file = path.join(this.folder, name);
        // A link that leads nowhere, and a file that has gone meanwhile, must not keep the others away.
        const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
          if (error.code === "ENOENT") return null;
          throw error;
        });
        return found?.isFile() === true ? [{ name: name.replace(BUNDLE, ""), file, size: found.size }] : [];
      }),
    );
    return kept.flat();
  }

  /** The files, as `Bundles` takes them. */
  async sources(): Promise<BundleFile[]> {
    return (await this.files()).map(({ file }) => ({ name: path.basename(file), read: () => readBundleFile(file) }));
  }

  /** Whole or not at all, and on the disk when this returns. */
  private async write(name: string, bytes: Uint8Array): Promise<string> {
    await mkdir(this.folder, { recursive: true });
    const file = path.join(this.folder, name);
    const partial = path.join(this.folder, `.${name}.${randomUUID()}`);
    try {
      const handle = await open(partial, "wx");
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(partial, file);
    } finally {
      await rm(partial, { force: true });
    }
    return file;
  }
}
