/** `filigree client find`: who has some content, as the node knows it and as servers say that are asked. */
import type { Command } from "commander";
import { askIndexer, askRouter, type RoutedProvider } from "../../market/retrieval/ask-routers.ts";
import { parseCid } from "../../types/cid.ts";
import { interruptible } from "../interrupt.ts";
import { collect } from "../options.ts";
import { type RemoteOptions, say, withRemote } from "../remote.ts";
import { linkOf, patientCall } from "../remote-call.ts";
import { plainText } from "../terminal.ts";

type Known = {
  readonly KnownBy: "here" | "deal" | "chain";
  readonly Miner: string;
  readonly ID: string;
  readonly Addrs: readonly string[];
  readonly Protocols: readonly string[];
};
type FindOptions = RemoteOptions & { readonly router: readonly string[]; readonly indexer: readonly string[] };
type Row = RoutedProvider & { readonly source: string; readonly miner: string | null };

const WORDS = { here: "this node", deal: "a deal of yours", chain: "a deal on the chain" } as const;
const NO_MINER = "<empty>";

export function registerClientFind(client: Command): void {
  withRemote(
    client
      .command("find")
      .description(
        "who has a block or DAG: this node, providers of your deals, miners whose deals on the chain name it; they are not asked themselves. `retr lookup` (or `retr find`) asks them, and tells their prices",
      )
      .argument("<cid>", "its CID")
      .option("--router <url>", "ask this server of delegated routing (/routing/v1), too; repeatable", collect, [])
      .option("--indexer <url>", "ask this indexer (/cid), too; repeatable", collect, []),
  ).action(find);
}

async function find(cid: string, options: FindOptions): Promise<void> {
  const link = linkOf(cid);
  const known = await patientCall<readonly Known[]>(options, "Filigree.RetrievalProviders", link);
  const rows: Row[] = known.map((one) => ({
    ...{ source: one.KnownBy, miner: one.Miner === NO_MINER ? null : one.Miner },
    ...{ peer: one.ID, addresses: one.Addrs, protocols: one.Protocols },
  }));
  const root = parseCid(link["/"]);
  for (const [servers, ask] of [[options.router, askRouter] as const, [options.indexer, askIndexer] as const])
    for (const server of servers)
      for (const one of await interruptible((signal) => ask(server, root, signal)))
        rows.push({ source: server, miner: null, ...one });
  say(options.json, { providers: rows }, rows.length === 0 ? ["nobody is known who has it"] : rows.map(lineOf));
}

function lineOf({ source, miner, peer, addresses, protocols }: Row): string {
  const where = addresses.length > 0 ? addresses.join(" ") : peer === "" ? "names no peer on the chain" : "";
  const how = protocols.map((name) => name.replace(/^transport-/, "")).join(", ");
  const words = WORDS[source as keyof typeof WORDS] ?? source;
  return plainText([words, miner ?? "", peer, where, how].filter((part) => part !== "").join("  "));
}
