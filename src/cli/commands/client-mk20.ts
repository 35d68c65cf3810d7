/** `filigree client mk20 …`: deals with providers of Curio's market of 2025, of direct data onboarding. */
import { type Command, Option } from "commander";
import { interruptible } from "../interrupt.ts";
import { collect, wholeNumber } from "../options.ts";
import { nextCommand, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { type Link, linkOf } from "../remote-call.ts";

type Deal = {
  readonly ID: string;
  readonly Url: string;
  readonly Piece: Link;
  readonly Size: number;
  readonly Source: string;
  readonly IsAccepted: boolean;
  readonly IsSent: boolean;
};
type Info = {
  readonly Products: readonly string[];
  readonly Sources: readonly string[];
  readonly Contracts: readonly string[];
};
type Status = { readonly State: string; readonly Error: string; readonly Deal: Deal };
type DealOptions = RemoteOptions & {
  readonly from: string;
  readonly duration: number;
  readonly startEpoch?: number;
  readonly allocation?: number;
  readonly raw?: true;
  readonly announce?: true;
  readonly source: "put" | "http" | "offline";
  readonly url: readonly string[];
  readonly send: boolean;
};

const MAX_EPOCH = 2 ** 40;
const DEFAULT_DURATION = 518_400;

export function registerMk20(client: Command): void {
  const mk20 = client.command("mk20").description("deals with providers of Curio's market of 2025 (MK20), over HTTP");
  const from = [
    "--from <address>",
    "who makes the deal, and signs each request; the node has its key",
    "default",
  ] as const;
  withRemote(
    mk20
      .command("info")
      .description("what a provider takes: products, sources of data, contracts")
      .argument("<url>", "of the provider, https://sp.example")
      .option(...from),
  ).action(info);
  withRemote(
    mk20
      .command("deal")
      .description(
        "have a provider put a DAG into a sector, without a deal of the storage market; prints the deal's number",
      )
      .argument("<url>", "of the provider, https://sp.example")
      .argument("<root>", "CID of the DAG, which was imported")
      .argument("<miner>", "address of the provider")
      .option(...from)
      .option("--duration <epochs>", "from its start on; at least 518,400", wholeNumber(1, MAX_EPOCH), DEFAULT_DURATION)
      .option(
        "--start-epoch <n>",
        "by when it must be active (default: the provider decides)",
        wholeNumber(1, MAX_EPOCH),
      )
      .option("--allocation <n>", "the payer's allocation of data cap for it", wholeNumber(1, Number.MAX_SAFE_INTEGER))
      .option("--raw", "the piece is the file's own bytes, not its CAR file")
      .option("--announce", "the provider is to tell indexers of its blocks")
      .addOption(
        new Option("--source <way>", "how the provider gets the data: sent to it, from --url, or by hand")
          .choices(["put", "http", "offline"])
          .default("put"),
      )
      .option("--url <url>", "where the data is, may be given again; for --source http", collect, [])
      .option("--no-send", "only make the deal; mk20 send sends the data later"),
  ).action(deal);
  withRemote(
    mk20
      .command("send")
      .description("send a deal's data, or what the provider lacks of it")
      .argument("<deal>", "as deal prints it"),
  ).action(send);
  withRemote(
    mk20.command("status").description("how a deal is, as its provider says").argument("<deal>", "as deal prints it"),
  ).action(status);
  withRemote(
    mk20
      .command("remove")
      .description("remove what is kept of a deal that has ended, as its provider says")
      .argument("<deal>", "as deal prints it")
      .option("--really-do-it", "whatever its provider says: it cannot be asked after any more"),
  ).action(remove);
  withRemote(mk20.command("deals").description("deals that were made")).action(deals);
}

async function info(url: string, options: RemoteOptions & { readonly from: string }): Promise<void> {
  const remote = await Remote.open(options);
  const wallet = await remote.address(options.from, "--from");
  const found = await interruptible((signal) => remote.wait<Info>("Filigree.Mk20Info", [url, wallet], signal));
  const { Products, Sources, Contracts } = found;
  say(options.json, { products: Products, sources: Sources, contracts: Contracts }, [
    `products   ${Products.join(", ")}`,
    `sources    ${Sources.join(", ")}`,
    `contracts  ${Contracts.length === 0 ? "none" : Contracts.join(", ")}`,
  ]);
}

async function deal(url: string, root: string, miner: string, options: DealOptions): Promise<void> {
  const remote = await Remote.open(options);
  const wanted = {
    ...{ Url: url, Root: linkOf(root), Wallet: await remote.address(options.from, "--from") },
    ...{ Miner: await remote.address(miner), Raw: options.raw === true, Source: options.source, Urls: options.url },
    ...{ StartEpoch: options.startEpoch ?? null, Duration: options.duration, Announce: options.announce === true },
    Allocation: options.allocation ?? null,
  };
  // What was made is not made again: the command itself would make another.
  let id: string | null = null;
  const next = (): string =>
    nextCommand(id === null ? "filigree client mk20 deals" : `filigree client mk20 send ${id}`, options);
  await interruptible(async (signal) => {
    const made = await remote.wait<Deal>("Filigree.Mk20Deal", [wanted], signal);
    const isSent = options.source === "put" && options.send;
    if (isSent) id = made.ID;
    const now = isSent
      ? await remote.wait<Deal>("Filigree.Mk20Send", [made.ID], signal).catch((cause: unknown) => {
          throw new Error(`deal ${made.ID} is made, but its data is not sent yet; go on with: ${next()}`, { cause });
        })
      : made;
    say(options.json, viewOf(now), [now.ID]);
  }, next);
}

async function send(id: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const sent = await interruptible((signal) => remote.wait<Deal>("Filigree.Mk20Send", [id], signal));
  say(options.json, viewOf(sent), [`the provider has the ${sent.Size} bytes of deal ${id}`]);
}

async function status(id: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const {
    State,
    Error: error,
    Deal: of,
  } = await interruptible((signal) => remote.wait<Status>("Filigree.Mk20Status", [id], signal));
  say(options.json, { ...viewOf(of), state: State, error }, [`${State}${error === "" ? "" : `: ${error}`}`]);
}

async function remove(id: string, options: RemoteOptions & { readonly reallyDoIt?: true }): Promise<void> {
  const remote = await Remote.open(options);
  const anyway = options.reallyDoIt === true;
  await interruptible((signal) => remote.wait("Filigree.Mk20Remove", [id, anyway], signal));
  say(options.json, { deal: id, removed: true }, [`nothing is kept of deal ${id} any more`]);
}

async function deals(options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const made = await remote.call<readonly Deal[]>("Filigree.Mk20Deals");
  say(
    options.json,
    { deals: made.map(viewOf) },
    made.map((one) => `${one.ID}  ${one.Piece["/"]}  ${one.Size} bytes  ${wordOf(one)}  ${one.Url}`),
  );
}

const wordOf = ({ IsAccepted, IsSent }: Deal): string =>
  IsAccepted ? (IsSent ? "taken" : "taken, data not sent yet") : "offered";

const viewOf = ({ ID, Url, Piece, Size, Source, IsAccepted, IsSent }: Deal) => ({
  ...{ deal: ID, url: Url, pieceCid: Piece["/"], size: Size, source: Source, accepted: IsAccepted, sent: IsSent },
});
