/** `filigree wallet` and `filigree account`: keys of a running node, and what stands behind addresses. */
import { text } from "node:stream/consumers";
import { Argument, type Command } from "commander";
import { platform } from "#platform";
import { exportKey, fromLotusKey, importKey, type LotusKey, toLotusKey } from "../../keys/lotus-key.ts";
import { accountPath, ENTROPY_BYTES, MnemonicKeys, mnemonicOf } from "../../keys/mnemonic.ts";
import { filText } from "../../types/amount.ts";
import { parseCid, textOfCid } from "../../types/cid.ts";
import { UsageError } from "../errors.ts";
import { wholeNumber } from "../options.ts";
import { writeOutput } from "../output.ts";
import { readText } from "../read-at-most.ts";
import { Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { countText } from "../terminal.ts";

export function registerWallet(program: Command): void {
  const wallet = program.command("wallet").description("keys of a running node");
  withRemote(wallet.command("list").description("addresses whose keys the node has, with their FIL")).action(list);
  withRemote(
    wallet
      .command("new")
      .description("make a key")
      .addArgument(new Argument("[type]", "kind of key").choices(["secp256k1", "bls"]).default("secp256k1")),
  ).action(async (type: string, options: RemoteOptions) => {
    const address = await (await Remote.open(options)).call<string>("WalletNew", type);
    say(options.json, { address }, [address]);
  });
  withRemote(
    wallet
      .command("default")
      .description("the address that sends unless another is named; with an address, sets it")
      .argument("[address]"),
  ).action(defaultAddress);
  withRemote(
    wallet
      .command("export")
      .description("a key as `lotus wallet export` writes it. Whoever reads it can spend what the address holds")
      .argument("<address>")
      .option("--out <file>", "write it to a new file for this user alone, in place of standard output")
      .option("--force", "replace the file if it exists"),
  ).action(exportOne);
  withRemote(
    wallet
      .command("import")
      .description("take a key as lotus exports it, or one of a mnemonic, read from a file or standard input")
      .argument("<file|->", "hexadecimal or JSON text; with --mnemonic, the words")
      .option("--mnemonic", "the file holds the words of a BIP-39 mnemonic")
      .option("--index <n>", "which of its accounts (m/44'/461'/0'/0/n)", wholeNumber(0, 2 ** 31 - 1), 0),
  ).action(importOne);
  withRemote(
    wallet
      .command("delete")
      .description("forget a key. Nothing brings it back")
      .argument("<address>")
      .option("--yes", "without asking"),
  ).action(deleteOne);
  wallet
    .command("mnemonic")
    .description("twelve new words of a BIP-39 mnemonic; no node is asked and nothing is kept")
    .option("--json", "one JSON object instead of text")
    .action((options: { readonly json?: true }) => {
      const mnemonic = mnemonicOf(platform.randomBytes(ENTROPY_BYTES));
      say(options.json, { mnemonic }, [mnemonic]);
    });
  withRemote(
    program
      .command("account")
      .description("the local network's accounts, or what stands behind one address")
      .argument("[address]", 'address (0x, too) or name, such as "alice"'),
  ).action(account);
}

async function list(options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const rows: { address: string; name: string; attoFIL: string; isDefault: boolean }[] = [];
  const chosen = await remote.ask<string>("WalletDefaultAddress");
  for (const address of await remote.call<string[]>("WalletList"))
    rows.push({
      address,
      name: await remote.nameOf(address),
      attoFIL: await remote.call<string>("WalletBalance", address),
      isDefault: address === chosen,
    });
  say(
    options.json,
    { addresses: rows },
    rows.length === 0
      ? ["no keys in this wallet"]
      : rows.map(
          ({ address, name, attoFIL, isDefault }) =>
            `${isDefault ? "*" : " "} ${address}  ${filText(attoFIL)}${name === address ? "" : `  ${name}`}`,
        ),
  );
}

async function defaultAddress(name: string | undefined, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  if (name !== undefined) await remote.call("WalletSetDefault", await remote.address(name));
  const address = await remote.defaultAddress();
  say(options.json, { address }, [address]);
}

async function exportOne(
  name: string,
  options: RemoteOptions & { readonly out?: string; readonly force?: true },
): Promise<void> {
  const remote = await Remote.open(options);
  const address = await remote.address(name);
  const key = fromLotusKey(await remote.call<LotusKey>("WalletExport", address));
  const exported = exportKey(key);
  const { out, force } = options;
  if (out === undefined) return say(options.json, { address, lotus: exported, key: toLotusKey(key) }, [exported]);
  await writeOutput(out, { force, mode: 0o600 }, (file) => file.writeFile(`${exported}\n`));
  say(options.json, { address, out }, [`the key of ${address} is in ${out}`]);
}

async function importOne(
  file: string,
  options: RemoteOptions & { readonly mnemonic?: true; readonly index: number },
): Promise<void> {
  const remote = await Remote.open(options);
  const content = file === "-" ? await text(process.stdin) : await readText(file);
  const key =
    options.mnemonic === true
      ? new MnemonicKeys(content).key(accountPath("filecoin", options.index))
      : importKey(content);
  const address = await remote.call<string>("WalletImport", toLotusKey(key));
  say(options.json, { address }, [address]);
}

async function deleteOne(name: string, options: RemoteOptions & { readonly yes?: true }): Promise<void> {
  if (options.yes !== true)
    throw new UsageError("a deleted key is lost for ever; add --yes, after `filigree wallet export`");
  const remote = await Remote.open(options);
  const address = await remote.address(name);
  await remote.call("WalletDelete", address);
  say(options.json, { address, deleted: true }, [`${address} is forgotten`]);
}

type ActorInfo = { readonly Code: { readonly "/": string }; readonly Nonce: number; readonly Balance: string };

async function account(name: string | undefined, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  if (name === undefined) return accounts(remote, options);
  const address = await remote.address(name);
  const actor = await remote.call<ActorInfo>("StateGetActor", address, null);
  const id = await remote.call<string>("StateLookupID", address, null);
  const robust =
    (await remote.ask<string>("StateAccountKey", id, null)) ??
    (await remote.ask<string>("StateLookupRobustAddress", id, null));
  const ethereum = await remote.ask<string>("FilecoinAddressToEthAddress", robust ?? id);
  const known = (await remote.describe())?.accounts.find((one) => one.id === `t${id.slice(1)}`);
  const beside =
    known?.ethereum === undefined
      ? {}
      : { ethereumAccount: { ethereum: known.ethereum, address: known.delegated ?? null } };
  const kind = textOfCid(parseCid(actor.Code["/"])) ?? actor.Code["/"];
  const pending = (await remote.ask<number>("MpoolGetNonce", address)) ?? actor.Nonce;
  const fields = {
    name: await remote.nameOf(address),
    id,
    address: robust ?? id,
    ethereum,
    actor: kind,
    attoFIL: actor.Balance,
    nonce: actor.Nonce,
    nextNonce: pending,
    ...beside,
  };
  say(options.json, fields, [
    `name      ${fields.name}`,
    `ID        ${id}`,
    `address   ${fields.address}`,
    ...(ethereum === null ? [] : [`0x form   ${ethereum}`]),
    `actor     ${kind}`,
    `balance   ${filText(actor.Balance)}`,
    `nonce     ${actor.Nonce}${pending === actor.Nonce ? "" : `, ${countText(pending - actor.Nonce, "message")} pending`}`,
    ...(known?.ethereum === undefined
      ? []
      : [`Ethereum  ${known.ethereum}, an account of its own: filigree account ${known.ethereum}`]),
  ]);
}

async function accounts(remote: Remote, options: RemoteOptions): Promise<void> {
  const known = await remote.describe();
  if (known === null) await remote.refuseMiner();
  if (known === null) throw new Error(`${remote.url} is no local network; name an address`);
  const rows: { name: string; id: string; address: string; attoFIL: string; ethereum?: string }[] = [];
  for (const { name, id, secp256k1, ethereum } of known.accounts) {
    const attoFIL = await remote.call<string>("WalletBalance", secp256k1);
    rows.push({ name, id, address: secp256k1, attoFIL, ...(ethereum === undefined ? {} : { ethereum }) });
  }
  const width = Math.max(...rows.map(({ name }) => name.length));
  say(
    options.json,
    { accounts: rows },
    rows.map(
      ({ name, id, address, attoFIL }) => `${name.padEnd(width)}  ${id.padEnd(6)}  ${address}  ${filText(attoFIL)}`,
    ),
  );
}
