/**
 * A network of the tab, as a link says it: "?tab&seed=…&miners=3&sectors=2&block-time=1&accounts=10". Same options, same CIDs, here
 * and in Node (`filigree devnet --seed … --miners 3 --sectors 2 --block-time 1 --accounts 10`).
 */
export type TabOptions = {
  readonly seed: string;
  readonly miners: number;
  readonly sectors: number;
  readonly accounts: number;
  /** Seconds between tipsets; 0: when a message comes. */
  readonly blockTime: number;
};

const MOST_LETTERS = 100;
/** What a tab carries; a process may have more. */
const BOUNDS = { miners: [0, 8], sectors: [1, 32], accounts: [1, 20], "block-time": [0, 3600] } as const;

/** What is wrong with a link. */
export class LinkError extends Error {}

/** Options of a link; null if it asks for no network of the tab. Throws `LinkError`. */
export function readLink(search: string): TabOptions | null {
  const fields = new URLSearchParams(search);
  if (!fields.has("tab")) return null;
  const seed = fields.get("seed") ?? "filigree";
  if (seed === "" || seed.length > MOST_LETTERS)
    throw new LinkError(`seed: 1 to ${MOST_LETTERS} characters are expected`);
  const number = (name: keyof typeof BOUNDS, fallback: number): number => {
    const text = fields.get(name);
    if (text === null) return fallback;
    const [least, most] = BOUNDS[name];
    const value = Number(text);
    const isGood = name === "block-time" ? /^\d+(\.\d+)?$/.test(text) : /^\d+$/.test(text);
    if (!isGood || value < least || value > most)
      throw new LinkError(`${name}: ${least} to ${most} expected, not ${text}`);
    return value;
  };
  return {
    seed,
    miners: number("miners", 1),
    sectors: number("sectors", 1),
    accounts: number("accounts", 10),
    blockTime: number("block-time", 1),
  };
}

/**
 * The JSON-RPC address of a node whose network this tab is to join, "?join=ws://127.0.0.1:1234/rpc/v1"; "?join" alone names the node that
 * serves the page. Null if the link asks for nothing like it. Throws `LinkError`.
 */
export function readJoin(search: string, page: string): string | null {
  const wanted = new URLSearchParams(search).get("join");
  if (wanted === null) return null;
  // What is no address of its own would be read as a path of the page's node, which is not the one that is meant.
  const url = wanted === "" ? new URL("rpc/v1", page) : URL.canParse(wanted) ? new URL(wanted) : null;
  const protocol = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[url?.protocol ?? ""];
  if (url === null || protocol === undefined)
    throw new LinkError(
      `join: the address of a node's JSON-RPC is expected (ws://127.0.0.1:1234/rpc/v1), not ${wanted}`,
    );
  url.protocol = protocol;
  url.hash = url.search = "";
  if (url.pathname === "/") url.pathname = "/rpc/v1";
  return url.href;
}

/** The query of a link, without its "?". */
export function linkOf({ seed, miners, sectors, accounts, blockTime }: TabOptions): string {
  return `tab&${new URLSearchParams({ seed, miners: `${miners}`, sectors: `${sectors}`, accounts: `${accounts}`, "block-time": `${blockTime}` })}`;
}

/**
 * Name of the database. What decides the blocks decides which network it is: the seconds between tipsets, too, as blocks carry their times,
 * which are whole seconds and at least one apart.
 */
export function placeOf({ seed, miners, sectors, accounts, blockTime }: TabOptions): string {
  const pace = Math.max(1, Math.round(blockTime));
  return `filigree/${encodeURIComponent(seed)}/${miners}-${sectors}-${accounts}-${pace}`;
}
