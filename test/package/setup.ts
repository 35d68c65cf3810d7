/** Packs the package and installs it into a project of its own, which all tests of this folder share. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Tools of the checkout that the project's own tests use too. */
const TOOLS = ["vite", "vitest", "@types/node", "undici-types", "iso-filecoin"];

declare module "vitest" {
  interface ProvidedContext {
    /** The project that has the package. */
    readonly project: string;
    /** Names of the files in the tarball. */
    readonly packed: readonly string[];
  }
}

export default function setup({ provide }: TestProject): () => void {
  const project = mkdtempSync(path.join(tmpdir(), "filigree-package-"));
  const npm = (cwd: string, ...args: string[]): string =>
    execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const [packed] = JSON.parse(npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", project)) as [
    { filename: string; files: { path: string }[] },
  ];
  const tarball = `file:./${packed.filename}`;
  const manifest = { name: "somebody", private: true, type: "module", dependencies: { filigree: tarball } };
  writeFileSync(path.join(project, "package.json"), JSON.stringify(manifest));
  npm(project, "install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error");
  for (const tool of TOOLS) link(project, tool);
  provide("project", project);
  provide(
    "packed",
    packed.files.map((file) => file.path),
  );
  return () => rmSync(project, { recursive: true });
}

function link(project: string, name: string): void {
  const place = path.join(project, "node_modules", name);
  mkdirSync(path.dirname(place), { recursive: true });
  try {
    symlinkSync(path.join(root, "node_modules", name), place);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

export function manifestOf(project: string): Record<string, Record<string, unknown>> {
  return JSON.parse(readFileSync(path.join(project, "node_modules/filigree/package.json"), "utf8")) as never;
}
