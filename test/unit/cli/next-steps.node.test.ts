/** The next step that commands name, against a node that answers as the test says: it is one that can be typed as it stands. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { registerClientDeals } from "../../../src/cli/commands/client-deals.ts";
import { registerMk20 } from "../../../src/cli/commands/client-mk20.ts";
import { registerLab } from "../../../src/cli/commands/lab.ts";
import { registerMiner } from "../../../src/cli/commands/miner.ts";
import { registerMinerSectors } from "../../../src/cli/commands/miner-sectors.ts";
import { registerMpool } from "../../../src/cli/commands/mpool.ts";
import { registerPaych } from "../../../src/cli/commands/paych.ts";
import { registerRetr } from "../../../src/cli/commands/retr.ts";
import { registerSend } from "../../../src/cli/commands/send.ts";
import { registerWallet } from "../../../src/cli/commands/wallet.ts";
import { EXIT, report } from "../../../src/cli/errors.ts";

const ROOT = "bafybeihchr7vmgjaasntayyatmp5sv6xza57iy2h4xj7g46bpjij6yhrmy";
/** What the node answers by method; one that is not here is refused with its name. */
let answers: Record<string, unknown> = {};
/** A method that is never answered. */
let silent = "";
/** Methods that were called. */
let called: string[] = [];
/** The last request. */
let posted = "";
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      const { method } = JSON.parse(body) as { method: string };
      called.push(method);
      posted = body;
      if (method === silent) return;
      const found = answers[method] ?? new Error(`no ${method} here`);
      const reply = found instanceof Error ? { error: { code: 1, message: found.message } } : { result: found };
      response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...reply }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/v1`;
});
afterEach(() => {
  vi.restoreAllMocks();
  [answers, called, silent] = [{}, [], ""];
});
afterAll(() => server.close());

/** Runs a command line of what `register` adds, and gives what it printed. */
async function run(register: (program: Command) => void, ...words: string[]): Promise<string> {
  let out = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  const program = new Command();
  register(program);
  await program.parseAsync([...words, "--rpc", url], { from: "user" });
  return out;
}

test("a wait for sectors that was interrupted names how to follow them, not how to begin others", async () => {
  answers = {
    "Filecoin.PledgeSector": { Miner: 1001, Number: 7 },
    "Filecoin.SectorsStatus": { SectorID: 7, State: "WaitSeed", LastErr: "" },
  };
  for (const [count, follow] of [
    ["1", "status 7"],
    ["2", "list"],
  ] as const) {
    called = [];
    const running = run(registerMinerSectors, "pledge", "--wait", "--count", count);
    const ended = expect(running).rejects.toThrow(
      `interrupted; to go on: filigree miner sectors ${follow} --rpc ${url}`,
    );
    await vi.waitUntil(() => called.includes("Filecoin.SectorsStatus"), { timeout: 30_000 });
    process.emit("SIGINT");
    await ended;
  }
});

const MINE = {
  "Filigree.ClientDeals": [],
  "Filigree.ClientDeal": { "/": ROOT },
  "Filigree.ClientRenewDeal": { "/": ROOT },
  "Filigree.ClientDealLog": { State: "Funding", SealingState: "", Error: "" },
};
const DEAL = ["deal", ROOT, "t01000", "--from", "t0100"];
test("a wait for a deal prints its proposal first, and an interruption says that the deal goes on, and how to look at it", async () => {
  for (const words of [DEAL, ["renew", ROOT], [...DEAL, "--json"]]) {
    [answers, called] = [MINE, []];
    const written = vi.spyOn(process.stdout, "write").mockClear();
    const running = run(registerClientDeals, ...words, "--wait");
    const ended = expect(running).rejects.toThrow(
      `interrupted; the deal goes on without this command; look at it with: filigree client deals ${ROOT} --rpc ${url}`,
    );
    await vi.waitUntil(() => called.includes("Filigree.ClientDealLog"), { timeout: 30_000 });
    expect(written.mock.calls[0]?.[0]).toBe(
      words.includes("--json") ? `${JSON.stringify({ proposal: ROOT })}\n` : `${ROOT}\n`,
    );
    process.emit("SIGINT");
    await ended;
  }
});

test("a deal that is open already is told of, with how to look at it and how to make another", async () => {
  const why = `the same deal is open already (Waiting): ${ROOT}`;
  const refused = new Error(why);
  answers = { ...MINE, "Filigree.ClientDeal": refused, "Filigree.ClientRenewDeal": refused };
  for (const words of [DEAL, ["renew", ROOT]]) {
    await expect(run(registerClientDeals, ...words)).rejects.toThrow(
      `${why}; look at it with: filigree client deals ${ROOT} --rpc ${url}; for another one: --again`,
    );
    expect(posted).toContain('"Again":false');
    await run(registerClientDeals, ...words, "--again").catch(() => undefined);
    expect(posted).toContain('"Again":true');
  }
});

test("a sector that was begun is followed on the node and the miner that were named", async () => {
  const begun = { "Filecoin.PledgeSector": { Miner: 1001, Number: 7 } };
  const follow = `follow it with: filigree miner sectors status 7 --actor t01001 --rpc ${url}\n`;
  // A miner's own interface knows no addresses; its sector is begun all the same.
  for (const [more, name] of [
    [{}, "1001"],
    [{ "Filecoin.WalletValidateAddress": "t00" }, "t01001"],
  ] as const) {
    answers = { ...begun, ...more };
    const said = await run(registerMinerSectors, "pledge", "--actor", "t01001");
    expect(said).toContain(`begun: 1 sector (7) of miner ${name}\n`);
    expect(said).toContain(follow);
  }
});

test("a wallet without keys: how to make or bring one, and where another address is named", async () => {
  answers = { "Filecoin.WalletDefaultAddress": new Error("this wallet has no default address") };
  const step = `this wallet has no default address: make a key with \`filigree wallet new --rpc ${url}\`, bring one with \`filigree wallet import <file> --rpc ${url}\`, or name an address`;
  const from = `${step} with --from`;
  await expect(run(registerSend, "send", "t099", "1 FIL")).rejects.toThrow(from);
  await expect(run(registerRetr, "retr", "get", ROOT, "--max-price", "1 FIL")).rejects.toThrow(from);
  await expect(run(registerClientDeals, "deal", ROOT, "t01000")).rejects.toThrow(from);
  await expect(run(registerWallet, "wallet", "default")).rejects.toThrow(`${step} of the wallet`);
  answers = { "Filecoin.WalletDefaultAddress": new Error("token: not allowed") };
  await expect(run(registerSend, "send", "t099", "1 FIL")).rejects.toThrow(/: token: not allowed$/);
});

test("a sender whose key another node has: its name, and how the key comes here; a wallet without keys says so", async () => {
  answers = {
    "Filecoin.MpoolPushMessage": new Error("no key for t1abc in this wallet"),
    "Devnet.info": { accounts: [{ name: "alice", id: "t0100", secp256k1: "t1abc", bls: "t3abc" }] },
    "Filecoin.WalletList": [],
  };
  await expect(run(registerSend, "send", "t099", "1 FIL", "--from", "alice")).rejects.toThrow(
    `no key for t1abc in this wallet (alice): \`filigree wallet export t1abc --out <file>\` at the node that has it, then \`filigree wallet import <file> --rpc ${url}\``,
  );
  expect(await run(registerWallet, "wallet", "list")).toBe("no keys in this wallet\n");
});

test("an address that nobody has is named, whichever command it was given to", async () => {
  answers = { "Filecoin.StateGetActor": new Error("actor not found") };
  await expect(run(registerSend, "call", "t0999", "Propose")).rejects.toThrow(
    "actor not found: t0999 is not on the chain",
  );
  answers = { "Filecoin.StateCall": new Error("actor not found") };
  await expect(run(registerSend, "call", "t0999", "0", "--from", "t0998")).rejects.toThrow(
    "actor not found: t0999 or t0998 is not",
  );
});

test("amounts of nothing are no messages, and a channel's payer who has too little is told how much that is", async () => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const nothing = /more than nothing is needed/;
  const quiet = (register: (program: Command) => void) => (program: Command) => {
    register(program);
    const all = (command: Command): void => {
      command.exitOverride();
      for (const sub of command.commands) all(sub);
    };
    all(program);
  };
  await expect(run(quiet(registerMiner), "miner", "actor", "withdraw", "0 FIL")).rejects.toThrow(nothing);
  for (const option of ["--add", "--withdraw"])
    await expect(run(quiet(registerClientDeals), "balance", "t0100", option, "0")).rejects.toThrow(nothing);
  answers = {
    "Filecoin.PaychFund": new Error("message execution failed: exit 6, reason: not enough funds"),
    "Filecoin.WalletBalance": "5",
  };
  await expect(run(registerPaych, "paych", "add-funds", "t0100", "t0101", "7 FIL")).rejects.toThrow(
    /reason: not enough funds; t0100 has 5 attoFIL, for the 7 FIL and the message's fee$/,
  );
});

test("funds that were sent are looked at after an interruption, and not sent again", async () => {
  const other = "bafkqaaa";
  for (const [register, words, sending, waiting] of [
    [
      registerClientDeals,
      ["balance", "t0100", "--add", "1"],
      { "Filecoin.MarketAddBalance": { "/": other } },
      "StateWaitMsg",
    ],
    [
      registerPaych,
      ["paych", "add-funds", "t0100", "t0101", "1"],
      { "Filecoin.PaychFund": { Channel: "<empty>", WaitSentinel: { "/": other } } },
      "PaychGetWaitReady",
    ],
  ] as const) {
    [answers, called, silent] = [sending, [], `Filecoin.${waiting}`];
    const ended = expect(run(register, ...words)).rejects.toThrow(
      `interrupted; what was sent stays; look at it with: filigree wait ${other} --rpc ${url}`,
    );
    await vi.waitUntil(() => called.includes(`Filecoin.${waiting}`), { timeout: 30_000 });
    process.emit("SIGINT");
    await ended;
  }
});

test("a retrieval that costs more than was said: the least of the prices, as what allows it", async () => {
  const said = (...texts: string[]) => {
    answers = { "Filigree.RetrievalGet": new Error(`no provider gave it: ${texts.join("; ")}`) };
    return run(registerRetr, "retr", "get", ROOT, "--from", "t0100", "--max-price", "0.5 FIL");
  };
  const one = "12D3a: it costs 1.5 FIL, and 0.5 FIL may be spent";
  await expect(said(one)).rejects.toThrow(/; to allow it: --max-price "1.5 FIL"$/);
  // What somebody asks is the network's state, and not what was typed wrongly.
  expect(report(await said(one).catch((error: unknown) => error), false)).toBe(EXIT.failure);
  // Of 0.5 FIL the one before had 0.1.
  await expect(said(one, "12D3b: it costs 0.7 FIL, and 0.4 FIL may be spent")).rejects.toThrow(/"0.8 FIL"$/);
  await expect(said("12D3c: the provider does not have it")).rejects.toThrow(/does not have it$/);
});

test("what was retrieved and cannot be written is in the node: the command that writes it elsewhere", async () => {
  answers = {
    "Filigree.RetrievalGet": { Peer: "12D3a", Bytes: 5, Paid: "7", WasHere: false },
    "Filecoin.ClientExport": new Error("out: there is no room"),
  };
  await expect(run(registerRetr, "retr", "get", ROOT, "out", "--car")).rejects.toThrow(
    `no room; the data is in the node, and to write it costs nothing: filigree client export ${ROOT} <other path> --car --rpc ${url}`,
  );
});

test("a part that was retrieved: how to write it; of what a selector chose that it is no import", async () => {
  const got = { Peer: "12D3a", Bytes: 5, Paid: "7", WasHere: false };
  const get = (what: string) => run(registerRetr, "retr", "get", ROOT, "--datamodel-path-selector", what);
  answers = { "Filigree.RetrievalGet": { ...got, Listed: { "/": ROOT } } };
  expect(await get("Links/0/Hash")).toContain(`to write it: filigree client export ${ROOT} <path> --rpc ${url}\n`);
  answers = { "Filigree.RetrievalGet": { ...got, Listed: null } };
  expect(await get('{".":{}}')).toContain("no import of this node: its blocks are there until something is removed");
});

test("a deal of MK20 whose data could not be sent is gone on with, and not made again", async () => {
  const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  answers = { "Filigree.Mk20Deal": { ID }, "Filigree.Mk20Send": new Error("http://sp.example does not answer") };
  await expect(
    run(registerMk20, "mk20", "deal", "http://sp.example", ROOT, "t01000", "--from", "t0100"),
  ).rejects.toThrow(`go on with: filigree client mk20 send ${ID} --rpc ${url}`);
});

test("time that was to pass and was interrupted: where the head stands", async () => {
  [answers, silent] = [{ "Filecoin.ChainHead": { Height: 77 } }, "Devnet.mine"];
  const ended = expect(run(registerLab, "lab", "mine", "9")).rejects.toThrow(
    /^interrupted; the head stands at: epoch 77$/,
  );
  await vi.waitUntil(() => called.includes("Devnet.mine"), { timeout: 30_000 });
  process.emit("SIGINT");
  await ended;
});

test("what is to be typed next speaks with the same node", async () => {
  answers = { "Devnet.snapshot": 3 };
  expect(await run(registerLab, "lab", "snapshot")).toContain(
    `go back to it with: filigree lab revert 3 --rpc ${url}\n`,
  );
  answers = { "Filecoin.PaychSettle": { "/": ROOT } };
  expect(await run(registerPaych, "paych", "settle", "t0100")).toContain(`: filigree wait ${ROOT} --rpc ${url}\n`);
  answers = { "Filecoin.MpoolPending": [] };
  await expect(run(registerMpool, "mpool", "replace", ROOT, "--auto")).rejects.toThrow(
    `those that do: filigree mpool pending --cids --rpc ${url}`,
  );
});
