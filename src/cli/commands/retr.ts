/** `filigree retr …`: retrievals from providers, and what this node asks for its own data. Amounts are FIL unless they name their unit. */
import path from "node:path";
import { Argument, type Command, Option } from "commander";
import { describeError } from "../../base/errors.ts";
import { filText, parseFil } from "../../types/amount.ts";
import { UsageError } from "../errors.ts";
import { collect, wholeNumber } from "../options.ts";
import { nextCommand, parseAmount, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { type Link, linkOf, patientCall } from "../remote-call.ts";
import { sizeText } from "../terminal.ts";

type Terms = {
  readonly PricePerByte: string;
  readonly UnsealPrice: string;
  readonly PaymentInterval: number;
  readonly PaymentIntervalIncrease: number;
};
type Quote = Terms & {
  readonly Status: string;
  readonly Size: number;
  readonly PaymentAddress: string;
  readonly Message: string;
};
type Offer = Terms & { readonly Size: number; readonly MinPrice: string; readonly MinerPeer: { readonly ID: string } };
type Got = {
  readonly Peer: string;
  readonly Bytes: number;
  readonly Paid: string;
  readonly WasHere: boolean;
  readonly Listed?: Link | null;
};
type Deal = { readonly Peer: string; readonly PricePerByte: string; readonly State: string; readonly Message: string };
type Deals = {
  readonly Given: readonly (Deal & { readonly Root: Link; readonly Sent: number; readonly Received: string })[];
  readonly Taken: readonly (Deal & { readonly Root: string; readonly Bytes: number; readonly Paid: string })[];
};

export type GetOptions = RemoteOptions & {
  readonly provider: readonly string[];
  readonly maxPrice: bigint;
  readonly fundStep?: bigint;
  readonly bitswap?: true;
  readonly from?: string;
  readonly datamodelPathSelector?: string;
  readonly car?: true;
};

const MAX_BYTES = 2 ** 50;

/** Adds the options of a retrieval to a command, which does one. */
export function asRetrieval(command: Command): void {
  withRemote(
    command
      .description("retrieve a DAG from providers, paying as it comes, and write it as the files that it holds")
      .argument("<root>", "its CID")
      .argument("[path]", "where nothing is yet; without it the DAG only goes to the node's data")
      .option(
        "--provider <address>",
        "identity, multiaddr, or miner's address, may be given again; without it, whoever has it",
        collect,
        [],
      )
      .addOption(
        new Option("--max-price <amount>", 'what may be spent, "0.1 FIL"')
          .argParser(parseAmount)
          .default(0n, "nothing"),
      )
      .option(
        "--fund-step <amount>",
        "put this much into the payment channel at a time; default: all that it is to cost, at once",
        parseAmount,
      )
      .option("--from <address>", "who pays; default: the wallet's default address")
      .option("--bitswap", "by bitswap, for nothing, from whoever of the peers and providers has its blocks")
      .option(
        "--datamodel-path-selector <path>",
        "a part alone: a path through the data (Links/0/Hash: the first link of a file or folder), or a selector as DAG-JSON, whose blocks are there until something is removed",
      )
      .option("--car", "write it as a CAR file"),
  ).action(get);
}

export function registerRetr(program: Command): void {
  const retr = program.command("retr").description("retrievals: ask providers for data, get it, pay for it");
  asRetrieval(retr.command("get"));
  withRemote(
    retr
      .command("query")
      .description("what a provider asks for a DAG")
      .argument("<provider>", "identity, multiaddr, or miner's address")
      .argument("<root>", "its CID"),
  ).action(query);
  withRemote(
    retr
      .command("lookup")
      .alias("find")
      .description(
        "which of the node's peers, or miners with a deal for it, have a DAG, and what they ask: to choose a price before `retr get`. `client find` tells who may have it without asking them, and asks routers and indexers",
      )
      .argument("<root>", "its CID"),
  ).action(find);
  withRemote(
    retr
      .command("transports")
      .description("the ways on which a provider gives data (libp2p, HTTP), and its addresses")
      .argument("<provider>", "identity, multiaddr, or miner's address"),
  ).action(transports);
  withRemote(retr.command("deals").description("retrievals by this node's user, and from this node")).action(deals);
  withRemote(
    retr
      .command("stream")
      .description(
        "get a file by the free stream of 2019, from a provider that serves it; it is verified when all is here",
      )
      .argument("<provider>", "identity, multiaddr, or miner's address")
      .argument("<root>", "the file's CID")
      .option("--max-bytes <n>", "most that is taken", wholeNumber(1, MAX_BYTES), 2 ** 30),
  ).action(stream);
  withRemote(
    retr
      .command("free-stream")
      .description("whether this node serves the free stream of 2019, which asks for nothing; with a choice it is set")
      .addArgument(new Argument("[choice]", "on or off").choices(["on", "off"])),
  ).action(freeStream);
  registerRetrievalAsk(retr, "ask");
}

/** What a node asks for retrievals: `retr ask` and, among a provider's commands, `provider retrieval-ask`. */
export function registerRetrievalAsk(parent: Command, name: string): void {
  withRemote(
    parent
      .command(name)
      .description("what this node asks for its user's data; with an option it is set")
      .option("--price <amount>", "for each GiB", parseAmount)
      .option("--unseal-price <amount>", "once for each retrieval", parseAmount)
      .option("--interval <bytes>", "bytes to the first payment", wholeNumber(1, MAX_BYTES))
      .option("--increase <bytes>", "by how much each next interval is longer", wholeNumber(0, MAX_BYTES)),
  ).action(ask);
}

async function stream(
  provider: string,
  root: string,
  { maxBytes, ...options }: RemoteOptions & { readonly maxBytes: number },
): Promise<void> {
  const got = await patientCall<{ readonly Bytes: number }>(
    ...([options, "Filigree.RetrievalStream", provider, linkOf(root), maxBytes] as const),
  );
  say(options.json, { root, bytes: got.Bytes }, [
    `${root}, ${sizeText(got.Bytes)}; to write it: ${nextCommand(`filigree client export ${root} <path>`, options)}`,
  ]);
}

async function freeStream(choice: string | undefined, options: RemoteOptions): Promise<void> {
  if (choice !== undefined) await patientCall(options, "Filigree.RetrievalSetFreeStream", choice === "on");
  const on = await patientCall<boolean>(options, "Filigree.RetrievalFreeStream");
  say(options.json, { freeStream: on }, [on ? "on: any peer is given this node's data by CID, for nothing" : "off"]);
}

async function get(root: string, out: string | undefined, options: GetOptions): Promise<void> {
  const { provider, maxPrice, fundStep, from, bitswap, car, datamodelPathSelector: selector } = options;
  if (out !== undefined && selector?.trimStart().startsWith("{") === true)
    throw new UsageError(
      "what a selector chooses is no file: leave the path out, or select by a path through the data",
    );
  const remote = await Remote.open(options);
  const payer =
    from !== undefined
      ? await remote.address(from, "--from")
      : maxPrice === 0n
        ? null
        : await remote.defaultAddress("--from");
  const place = out === undefined ? null : path.resolve(out);
  const order = {
    ...{ Root: linkOf(root), Providers: provider, MaxPrice: `${maxPrice}`, From: payer },
    Bitswap: bitswap === true,
    ...(selector === undefined ? {} : { DataSelector: selector }),
    ...(fundStep === undefined ? {} : { FundStep: `${fundStep}` }),
    ...(place === null ? {} : { Path: place }),
  };
  const got = await patientCall<Got>(options, "Filigree.RetrievalGet", order).catch((error: unknown) => {
    throw allowing(error, maxPrice) ?? error;
  });
  const listed = got.Listed ?? order.Root;
  if (place !== null)
    await patientCall(options, "ClientExport", { Root: listed }, { Path: place, IsCAR: car === true }).catch(
      (cause: unknown) => {
        const again = nextCommand(
          `filigree client export ${listed["/"]} <other path>${car === true ? " --car" : ""}`,
          options,
        );
        throw new Error(`${describeError(cause)}; the data is in the node, and to write it costs nothing: ${again}`);
      },
    );
  const { Peer, Bytes, Paid, WasHere, Listed } = got;
  const part = selector === undefined ? {} : { part: Listed?.["/"] ?? null };
  say(options.json, { root, ...part, peer: Peer, bytes: Bytes, paid: Paid, wasHere: WasHere, path: place }, [
    WasHere
      ? "all of it was here"
      : `${Bytes} bytes (${sizeText(Bytes)}) ${Peer === "" ? "by bitswap" : `from ${Peer}`}, ${filText(Paid)} paid`,
    ...(place !== null ? [place] : selector === undefined ? [] : [partText(Listed ?? null, options)]),
  ]);
}

/** What became of a part that was written to no file. */
function partText(listed: Link | null, options: RemoteOptions): string {
  return listed === null
    ? "what a selector chose is no import of this node: its blocks are there until something is removed (client remove)"
    : `${listed["/"]}: the part is an import of its own; to write it: ${nextCommand(`filigree client export ${listed["/"]} <path>`, options)}`;
}

/** What a node says of a provider whose price was not allowed. */
const TOO_DEAR = /it costs ([\d.]+ \w+), and ([\d.]+ \w+) may be spent/g;

/** The error with what allows the least of the prices that were too high; null where none was. */
function allowing(error: unknown, maxPrice: bigint): Error | null {
  // Of what may be spent, other providers may have had a part.
  const prices = [...describeError(error).matchAll(TOO_DEAR)].map(
    ([, price = "", left = ""]) => parseFil(price) + maxPrice - parseFil(left),
  );
  const [first, ...others] = prices;
  if (first === undefined) return null;
  const least = others.reduce((one, other) => (other < one ? other : one), first);
  return new Error(`${describeError(error)}; to allow it: --max-price "${filText(least)}"`);
}

async function query(provider: string, root: string, options: RemoteOptions): Promise<void> {
  const found = await patientCall<Quote>(options, "Filigree.RetrievalQuery", provider, linkOf(root));
  const price = BigInt(found.UnsealPrice) + BigInt(found.Size) * BigInt(found.PricePerByte);
  say(
    options.json,
    {
      ...{ status: found.Status, size: found.Size, price: `${price}`, paymentAddress: found.PaymentAddress },
      ...termsJson(found),
      message: found.Message,
    },
    found.Status === "available"
      ? [`available: ${found.Size} bytes (${sizeText(found.Size)}) for ${filText(price)}`, ...termsLines(found)]
      : [`${found.Status}${found.Message === "" ? "" : `: ${found.Message}`}`],
  );
}

async function find(root: string, options: RemoteOptions): Promise<void> {
  const offers = await patientCall<readonly Offer[]>(options, "ClientFindData", linkOf(root));
  const rows = offers.map((one) => ({
    peer: one.MinerPeer.ID,
    size: one.Size,
    price: one.MinPrice,
    ...termsJson(one),
  }));
  say(
    options.json,
    { offers: rows },
    rows.length === 0
      ? ["none of the node's peers has it, nor a miner that the chain names for it"]
      : rows.map(({ peer, size, price }) => `${peer}  ${size} bytes  ${filText(price)}`),
  );
}

async function transports(provider: string, options: RemoteOptions): Promise<void> {
  const found = await patientCall<readonly { readonly Name: string; readonly Addresses: readonly string[] }[]>(
    ...([options, "Filigree.RetrievalTransports", provider] as const),
  );
  const rows = found.map(({ Name, Addresses }) => ({ name: Name, addresses: Addresses }));
  say(
    options.json,
    { transports: rows },
    rows.flatMap(({ name, addresses }) => addresses.map((address) => `${name}  ${address}`)),
  );
}

async function deals(options: RemoteOptions): Promise<void> {
  const { Given, Taken } = await patientCall<Deals>(options, "Filigree.RetrievalDeals");
  const given = Given.map((one) => ({ ...rowOf(one), root: one.Root["/"], bytes: one.Sent, paid: one.Received }));
  const taken = Taken.map((one) => ({ ...rowOf(one), root: one.Root, bytes: one.Bytes, paid: one.Paid }));
  const line = (way: string, one: (typeof taken)[0]): string =>
    `${way}  ${one.root}  ${one.peer}  ${one.bytes} bytes  ${filText(one.paid)}  ${one.state}${one.message === "" ? "" : `: ${one.message}`}`;
  say(options.json, { given, taken }, [
    ...taken.map((one) => line("from", one)),
    ...given.map((one) => line("to  ", one)),
  ]);
}

const rowOf = ({ Peer, State, Message }: Deal) => ({ peer: Peer, state: State, message: Message });

type AskOptions = RemoteOptions & {
  readonly price?: bigint;
  readonly unsealPrice?: bigint;
  readonly interval?: number;
  readonly increase?: number;
};

const GIB = 1n << 30n;

async function ask(options: AskOptions): Promise<void> {
  const { price, unsealPrice, interval, increase } = options;
  let terms = await patientCall<Terms>(options, "MarketGetRetrievalAsk");
  if ([price, unsealPrice, interval, increase].some((one) => one !== undefined)) {
    terms = {
      // Up to the next attoFIL a byte: nobody asks for less than was said.
      PricePerByte: price === undefined ? terms.PricePerByte : `${(price + GIB - 1n) / GIB}`,
      UnsealPrice: unsealPrice === undefined ? terms.UnsealPrice : `${unsealPrice}`,
      PaymentInterval: interval ?? terms.PaymentInterval,
      PaymentIntervalIncrease: increase ?? terms.PaymentIntervalIncrease,
    };
    await patientCall(options, "MarketSetRetrievalAsk", terms);
  }
  say(options.json, termsJson(terms), termsLines(terms));
}

const termsJson = (terms: Terms) => ({
  ...{ pricePerByte: terms.PricePerByte, unsealPrice: terms.UnsealPrice },
  ...{ paymentInterval: terms.PaymentInterval, paymentIntervalIncrease: terms.PaymentIntervalIncrease },
});

function termsLines(terms: Terms): string[] {
  return [
    `price      ${filText(terms.PricePerByte)} a byte, ${filText(BigInt(terms.PricePerByte) * GIB)} a GiB`,
    `unsealing  ${filText(terms.UnsealPrice)}`,
    `payments   after ${terms.PaymentInterval} bytes, each next interval ${terms.PaymentIntervalIncrease} longer`,
  ];
}
