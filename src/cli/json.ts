/**
 * What commands print with `--json`, in one spelling: names begin small, a CID is its text, and whole numbers beyond doubles are decimal text.
 * Values that the network spells itself stand under names of their own and are left as they are.
 */

/** Names whose values are the network's JSON, for whoever gives them back to a node (docs/guide-command-line.md has them for people). */
export const OF_THE_NETWORK: ReadonlySet<string> = new Set([
  ...["object", "return", "config", "key", "messages"],
  // How many sectors are in each state: the names are states.
  "counts",
]);

/** "PieceCID" -> "pieceCid", "IPAddrs" -> "ipAddrs", "ID" -> "id"; names that begin small stay. */
export function ownName(name: string): string {
  if (!/^[A-Z]/.test(name)) return name;
  return name
    .replace(/(CID|ID)(s?)$/, (_, word: string, more: string) => `${word[0]}${word.slice(1).toLowerCase()}${more}`)
    .replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+$|^[A-Z]/, (first) => first.toLowerCase());
}

export function ownJson(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  if (Array.isArray(value)) return value.map(ownJson);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value);
  const [only] = fields;
  if (fields.length === 1 && only?.[0] === "/" && typeof only[1] === "string") return only[1];
  return Object.fromEntries(
    fields.map(([name, inner]) => [ownName(name), OF_THE_NETWORK.has(name) ? inner : ownJson(inner)]),
  );
}

/** One line, of standard output unless data goes there. */
export function printJson(value: unknown, stream: Pick<NodeJS.WriteStream, "write"> = process.stdout): void {
  stream.write(`${JSON.stringify(ownJson(value))}\n`);
}
