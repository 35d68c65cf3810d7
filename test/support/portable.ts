/** Which tests need nothing that only Node and Deno have: they run in browsers, too. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** What of Node and Deno a test, or a helper of the tests that it imports, uses; null if nothing. */
function nodeNeed(file: string): string | null {
  if (file.endsWith(".node.test.ts")) return "its name says so";
  const text = readFileSync(file, "utf8");
  const direct = text.match(/from "(node:\w+)|\b(Buffer)\.|\b(process)\./);
  if (direct !== null) return direct[1] ?? direct[2] ?? direct[3] ?? "";
  for (const [, specifier] of text.matchAll(/from "(\.[^"]+)"/g)) {
    const helper = path.join(path.dirname(file), specifier as string);
    if (!helper.startsWith("test") || !existsSync(helper)) continue;
    const need = nodeNeed(helper);
    if (need !== null) return `${need} in ${helper}`;
  }
  return null;
}

/** Whether a test has others in place of some modules. */
export function replacesModules(file: string): boolean {
  return /\bvi\.(mock|doMock)\(/.test(readFileSync(file, "utf8"));
}

/** Every test file but those that have a configuration of their own, with what it needs of Node, or null. */
export function testsAndNeeds(): ReadonlyMap<string, string | null> {
  const tests = readdirSync("test", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts") && !/node_modules|^(clients|package)\W/.test(file))
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .sort();
  return new Map(tests.map((file) => [file, nodeNeed(file)]));
}
