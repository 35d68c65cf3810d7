/** Accounts and transactions by Ethereum's names, on the command line and in what a network says of its accounts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openOutput } from "../../../src/cli/devnet-output.ts";
import { versionFacts } from "../../../src/cli/version-text.ts";
import { Address } from "../../../src/types/address.ts";
import { type EthNet, openEthNet } from "../../support/eth-net.ts";
import { type KeptProcess, startKeptProcess } from "../../support/kept-process.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** An address that nobody has sent to. */
const NOWHERE = Address.secp256k1(new Uint8Array(65).fill(4)).toString("t");

const folder = mkdtempSync(path.join(tmpdir(), "filigree-"));
let eth: EthNet;
let kept: KeptProcess;
let url: string;
const filigree = (...args: string[]) => kept.run(args, { FILIGREE_RPC: url });
const json = async (...args: string[]) => JSON.parse((await filigree(...args, "--json")).out);

beforeAll(async () => {
  eth = await openEthNet();
  url = (await eth.net.serve()).url;
  kept = startKeptProcess(folder);
  await eth.net.clock.mine(1);
});
afterAll(async () => {
  await kept.close();
  await eth.net.close();
  rmSync(folder, { recursive: true });
});

test("an account's key and its address belong together in what the network says", async () => {
  const [account] = eth.net.accounts;
  const delegated = account?.delegated.toString("t");
  const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const version = await versionFacts(eth.net.network, eth.net.node.chain);
  openOutput(true, "quiet").start(eth.net, { url, data: null, resumed: null, token: null, version });
  const { accounts } = JSON.parse(`${written.mock.calls[0]?.[0]}`);
  written.mockRestore();
  expect(accounts[0]).toMatchObject({ name: "alice", ethereum: eth.ethereum(0), delegated });
  expect(await json("account", "alice")).toMatchObject({
    name: "alice",
    ethereumAccount: { ethereum: eth.ethereum(0), address: delegated },
  });
  expect(await json("account", eth.ethereum(0))).toMatchObject({ address: delegated, ethereum: eth.ethereum(0) });
  expect((await json("account")).accounts[1]).toMatchObject({ name: "bob", ethereum: eth.ethereum(1) });
});

test("an address is taken as Ethereum spells it, also one that stands for an id", async () => {
  const [own, alice] = [eth.ethereum(1), `0xff${"00".repeat(18)}64`];
  const to = eth.net.accounts[1]?.delegated.toString("t");
  expect((await json("balance", own.toUpperCase().replace("0X", "0x")))["address"]).toBe(to);
  expect(await json("balance", alice)).toEqual({ ...(await json("balance", "t0100")), name: alice });
  const sent = await json("send", own, "1 FIL", "--from", "alice", "--no-wait");
  expect(eth.net.node.pool.pending().map(({ message }) => message.to.toString("t"))).toEqual([to]);
  expect((await json("mpool", "pending", "--to", own)).messages[0].CID["/"]).toBe(sent.cid);
  for (const [bad, why] of [
    ["0x12", /0x12 is no address: 0x and 40 hexadecimal digits expected/],
    [`0xff${"00".repeat(11)}${"ff".repeat(8)}`, /is no address: no actor has such an id/],
  ] as const) {
    const refused = await filigree("balance", bad);
    expect([refused.code, refused.err]).toEqual([64, expect.stringMatching(why)]);
  }
});

test("a transaction is waited for by its hash", async () => {
  const hash = await eth.ask("eth_sendRawTransaction", eth.signed());
  const { "/": cid } = await eth.ask("Filecoin.EthGetMessageCidByTransactionHash", hash);
  await eth.net.clock.mine(3);
  expect(await json("wait", hash)).toMatchObject({ cid, exitCode: 0 });
  const nowhere = `0x${"ab".repeat(32)}`;
  expect(await filigree("wait", nowhere)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/no transaction 0xabab.* is in a block or waits at http/),
  });
  expect(await filigree("wait", "0xab")).toMatchObject({ code: 64, err: expect.stringMatching(/is no transaction's/) });
});

test("an account of the node sends by its 0x address, as a transaction; one whose key is elsewhere, and what is none, are told the way", async () => {
  const [from, to] = [eth.ethereum(1), eth.net.accounts[0]];
  const pending = eth.net.node.pool.pending().length;
  const sent = await json("send", `${to?.secp256k1}`, "1 FIL", "--from", from, "--no-wait");
  const hash = await eth.ask("Filecoin.EthGetTransactionHashByCid", { "/": sent.cid });
  expect(await eth.ask("eth_getTransactionByHash", hash)).toMatchObject({
    ...{ from, to: `0xff${"00".repeat(18)}64`, value: "0xde0b6b3a7640000", input: "0x", type: "0x2" },
  });
  await eth.net.clock.mine(2);
  expect(await eth.ask("eth_getTransactionReceipt", hash)).toMatchObject({ status: "0x1", from });
  expect(eth.net.node.pool.pending()).toHaveLength(pending);
  const nobody = Address.fromEthereum(new Uint8Array(20).fill(0xab));
  await eth.ask("anvil_setBalance", `0x${"ab".repeat(20)}`, "0xde0b6b3a7640000");
  for (const [why, ...args] of [
    [/no key for t410f\w+ at this node: .*eth_sendRawTransaction/, to?.id, "1 FIL", "--from", nobody.toString("t")],
    [
      /an Ethereum account sends transactions: .*method 5 is no transaction's/,
      to?.id,
      "0",
      "--from",
      from,
      "--method",
      "5",
    ],
    [/is not on the chain yet, and an Ethereum account sends to 0x addresses/, NOWHERE, "1 FIL", "--from", from],
  ] as const) {
    const refused = await filigree("send", ...args.map(String));
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(why)]);
    expect(refused.err).not.toContain("wallet export");
  }
});

test("where a contract or an Ethereum account may stand, the help says that its 0x form is taken", async () => {
  for (const command of [["balance"], ["send"], ["call"], ["mpool", "pending"], ["account"]])
    expect((await filigree(...command, "--help")).out, command.join(" ")).toContain("(0x, too)");
  const caller = eth.ethereum(0);
  const called = await json("call", eth.ethereum(1), "0", "--from", caller);
  expect(called).toMatchObject({ exitCode: 0 });
});
