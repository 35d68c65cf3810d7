/**
 * The machine: messages per second from a store in memory, one instance, one thread.
 *
 * Each call opens a machine on the same state, applies a batch of messages and writes the new state, as a node does with
 * a tipset; every batch starts with cold caches. Senders and receivers of plain sends are drawn from all accounts. With
 * FILIGREE_BENCH_LARGE=1 the series goes on to 10^6 accounts, whose state takes a minute to build.
 */
import { readFileSync } from "node:fs";
import { toBase64 } from "../dist/base/bytes.js";
import { loadCrypto } from "../dist/core/crypto.js";
import { Vm } from "../dist/core/vm.js";
import { addressOf, deriveKey, signBytes } from "../dist/keys/keys.js";
import { buildGenesis } from "../dist/node/genesis.js";
import { DEVNET } from "../dist/params/networks.js";
import { paych } from "../dist/schema/actors/paych.js";
import { decodeMethodData, encodeMethodParams } from "../dist/state/state-view.js";
import { MemoryStore } from "../dist/storage/memory.js";
import { Address } from "../dist/types/address.js";
import { FIL } from "../dist/types/amount.js";
import { cidOfText } from "../dist/types/cid.js";
import { encodeMessage } from "../dist/types/message.js";
import { jsonToCbor } from "../dist/types/schema-codec.js";
import { textOfState } from "./support-first.mjs";
import { contextOf, hostOf, makeSends, makeState } from "./support-state.mjs";
import { coldStart } from "./wasm.bench.mjs";

export const title = "Machine";

const BATCH = 10_000;
const NETWORK_VERSION = 5;
const code = (name) => cidOfText(`fil/2/${name}`);

/** Applies a batch on a state and writes the result; throws if a message fails. */
function runner(vm, context, messages) {
  return () => {
    vm.open(context);
    for (const bytes of messages) {
      const { exitCode, why } = vm.apply(bytes, bytes.length);
      if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${why}`);
    }
    return vm.flush();
  };
}

async function sendCase(accounts) {
  const { store, root } = makeState(accounts);
  const vm = await Vm.create(hostOf(store));
  const ours = runner(vm, contextOf(root), makeSends(accounts, BATCH));
  // A goal up to 10^5 accounts.
  const least = accounts <= 100_000 ? { least: 20_000 } : {};
  return {
    name: `plain sends, ${accounts.toLocaleString("en")} accounts`,
    ops: BATCH,
    ...least,
    contestants: { ours },
  };
}

/** A local network's first state with an actor made by a message; further messages come from `keys[0]`. */
async function withActor(name, params, value) {
  const crypto = await loadCrypto();
  const keys = [0, 1, 2].map((i) => deriveKey(crypto, "bench", `account ${i}`, "bls"));
  const addresses = keys.map((key) => addressOf(crypto, key));
  const accounts = addresses.map((address) => ({ address, balance: 1_000_000n * FIL }));
  const spec = { network: DEVNET, networkVersion: NETWORK_VERSION, accounts, worker: addresses[0] };
  const genesis = await buildGenesis(spec);
  const store = new MemoryStore();
  store.writeNow({ blocks: genesis.blocks });
  const vm = await Vm.create(hostOf(store), { profile: "devnet" });
  const message = (to, method, bytes, nonce, amount = 0n) =>
    encodeMessage({
      to,
      from: addresses[0],
      nonce: BigInt(nonce),
      value: amount,
      gasLimit: 1_000_000_000n,
      gasFeeCap: 200n,
      gasPremium: 1n,
      method: BigInt(method),
      params: bytes,
    });
  const inner = toBase64(encodeMethodParams(code(name), 1n, params(addresses), "t"));
  const exec = { CodeCID: { "/": `${code(name)}` }, ConstructorParams: inner };
  vm.open(contextOf(genesis.stateRoot));
  const bytes = message(Address.id(1), 2, encodeMethodParams(code("init"), 2n, exec, "t"), 0, value);
  const made = vm.apply(bytes, bytes.length);
  if (made.exitCode !== 0) throw new Error(`${name}: exit code ${made.exitCode}: ${made.why}`);
  const actor = Address.parse(decodeMethodData(code("init"), 2n, "returns", made.return, "t").IDAddress);
  const root = vm.flush();
  store.writeNow({ blocks: [...vm.madeBlocks()] });
  return { crypto, keys, addresses, vm, actor, context: contextOf(root), message };
}

async function multisigCase() {
  const params = ([alice, bob]) => ({
    Signers: [alice.toString(), bob.toString()],
    NumApprovalsThreshold: 2,
    UnlockDuration: 0,
    StartEpoch: 0,
  });
  const { vm, context, actor, addresses, message } = await withActor("multisig", params, FIL);
  const count = 200;
  const proposal = { To: addresses[2].toString(), Value: "1", Method: 0, Params: null };
  const bytes = encodeMethodParams(code("multisig"), 2n, proposal, "t");
  const messages = Array.from({ length: count }, (_, i) => message(actor, 2, bytes, i + 1));
  return {
    name: `multisig proposes, all ${count} pending`,
    ops: count,
    contestants: { ours: runner(vm, context, messages) },
  };
}

async function paychCase() {
  const params = ([payer, payee]) => ({ From: payer.toString(), To: payee.toString() });
  const { crypto, keys, vm, context, actor, message } = await withActor("paymentchannel", params, 1000n * FIL);
  // The payer redeems vouchers that the payee signed, one after another on one lane.
  const count = 50;
  const messages = Array.from({ length: count }, (_, i) => {
    const unsigned = {
      ChannelAddr: actor.toString(),
      TimeLockMin: 0,
      TimeLockMax: 0,
      SecretPreimage: null,
      Extra: null,
      Lane: 0,
      Nonce: i + 1,
      Amount: `${i + 1}`,
      MinSettleHeight: 0,
      Merges: null,
      Signature: null,
    };
    const schema = { module: paych.module, actorsVersion: 2, prefix: "t" };
    const text = jsonToCbor({ kind: "ref", name: "SignedVoucher" }, unsigned, schema);
    const { type, data } = signBytes(crypto, keys[1], text);
    const signed = { ...unsigned, Signature: { Type: type, Data: toBase64(data) } };
    const bytes = encodeMethodParams(code("paymentchannel"), 2n, { Sv: signed, Secret: null }, "t");
    return message(actor, 2, bytes, i + 1);
  });
  return {
    name: "payment channel updates, BLS vouchers",
    ops: count,
    note: "each verifies a signature inside the machine, which is nearly all of its time",
    contestants: { ours: runner(vm, context, messages) },
  };
}

export async function cases() {
  const sizes = [100, 1_000, 10_000, 100_000];
  if (process.env.FILIGREE_BENCH_LARGE === "1") sizes.push(1_000_000);
  const list = [];
  for (const size of sizes) list.push(await sendCase(size));
  list.push(await multisigCase(), await paychCase());
  return list;
}

/** From import to the first message with what a program imports: the files that the package names for a condition. */
function withEntries(condition, state) {
  const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const files = ["./vm", "./codec"].map((entry) => new URL(`../${exports[entry][condition]}`, import.meta.url).href);
  const names = files.map((file) => `...await import(${JSON.stringify(file)})`);
  return `const names = { ${names.join(", ")} };
    await (await import("./support-first.mjs")).firstMessage(names, ${JSON.stringify(state)});`;
}

export async function facts() {
  const state = textOfState(makeState(10));
  const alone = `const { Vm } = await import("../dist/core/vm.js");
    const { makeState, makeSends, contextOf, hostOf } = await import("./support-state.mjs");
    const { store, root } = makeState(10);
    const vm = await Vm.create(hostOf(store));
    vm.open(contextOf(root));
    const [bytes] = makeSends(10, 1);
    if (vm.apply(bytes, bytes.length).exitCode !== 0) throw new Error("the send failed");
    vm.flush();`;
  const name = "cold start, from import to the first message";
  return [
    {
      name: `${name}: filigree/vm and filigree/codec, on a state that is there`,
      value: coldStart(withEntries("node", state)),
      unit: "ms",
      most: 100,
    },
    {
      name: `${name}: the same as files, as bundlers take them`,
      value: coldStart(withEntries("default", state)),
      unit: "ms",
    },
    {
      name: `${name}: the machine's own modules alone, as files, and the state made`,
      value: coldStart(alone),
      unit: "ms",
    },
  ];
}
