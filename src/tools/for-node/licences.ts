/** The licences of the libraries that are in the form: they ask to be kept with copies. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const IN_A_LIBRARY = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;
const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;

type Manifest = { readonly name: string; readonly version: string; readonly license?: string };

/** The folder of the library that a module belongs to; null for one of ours. */
export function libraryOf(id: string): string | null {
  return IN_A_LIBRARY.exec(id)?.[1] ?? null;
}

/** One text of all. Throws for a library that names no licence. */
export function licencesOf(folders: ReadonlySet<string>): string {
  const parts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;
    const texts = readdirSync(folder)
      .filter((file) => LICENCE_FILE.test(file))
      .sort()
      .map((file) => readFileSync(path.join(folder, file), "utf8").trim());
    if (license === undefined && texts.length === 0) throw new Error(`${name} ${version} names no licence`);
    return `${[`${name} ${version} (${license ?? "see below"})`, ...texts].join("\n\n")}\n`;
  });
  const head = "Libraries that are part of the files in this folder, and their licences.\n";
  return [head, ...parts.sort()].join(`\n${"-".repeat(80)}\n\n`);
}
