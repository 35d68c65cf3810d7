/** Files of bundles that commands are given: one, or those of a folder. */
import { statSync } from "node:fs";
import path from "node:path";
import type { BundleFile } from "../exec/bundles.ts";
import { BundleStore, readBundleFile } from "./bundle-store.ts";

/** The bundles' files at a place. Throws if there are none. */
export async function bundleFiles(place: string): Promise<BundleFile[]> {
  if (statSync(place).isFile()) return [{ name: path.basename(place), read: () => readBundleFile(place) }];
  const files = await new BundleStore(place).sources();
  if (files.length === 0)
    throw new Error(`no bundle in ${place}: expected .car files of the actors' releases, or vN.tar.zst packs`);
  return files;
}
