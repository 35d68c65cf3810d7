/** Files of bundles that commands are given: one, or those of a folder. */
import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { BundleFile } from "../exec/bundles.ts";

/** Names of files that may be bundles. */
const BUNDLE = /\.(car|tar\.zst)$/;

/** The bundles' files at a place. Throws if there are none. */
export function bundleFiles(place: string): BundleFile[] {
  const files = statSync(place).isFile()
    ? [place]
    : readdirSync(place, { encoding: "utf8" })
        .filter((name) => BUNDLE.test(name))
        .map((name) => path.join(place, name))
        .sort();
  if (files.length === 0)
    throw new Error(`no bundle in ${place}: expected .car files of the actors' releases, or vN.tar.zst packs`);
  return files.map((name) => ({ name, read: async () => new Uint8Array(await readFile(name)) }));
}
