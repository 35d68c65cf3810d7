/** A state with today's actors for benches: accounts, a miner, an ERC-20 token; and messages on it. The actors are the user's. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import * as dagCbor from "@ipld/dag-cbor";
import { loadCrypto } from "../dist/core/crypto.js";
import { Fvm } from "../dist/core/fvm.js";
import { Bundles } from "../dist/exec/bundles.js";
import { isPublishedCode } from "../dist/exec/machine.js";
import { addressOf, deriveKey } from "../dist/keys/keys.js";
import { buildFvmGenesis } from "../dist/node/genesis-fvm.js";
import { Address } from "../dist/types/address.js";
import { FIL } from "../dist/types/amount.js";
import { cidKey } from "../dist/types/cid.js";
import { encodeMessage } from "../dist/types/message.js";

const NETWORK_VERSION = 28;
const ACTORS = 18;
const ACCOUNTS = 20;
const CHAIN_ID = 31415926;
const EAM = Address.id(10n);
const INIT = Address.id(1n);
const MARKET = Address.id(5n);
const METHOD = { exec: 2n, addBalance: 2n, createExternal: 4n, invokeEvm: 3844450837n, getOwner: 3275365574n };
const TOKEN = new URL("../test/fixtures/contracts/token.json", import.meta.url);

/** FILIGREE_BUNDLES or .filigree/bundles. */
export const bundleFolder = () => process.env.FILIGREE_BUNDLES ?? path.resolve(".filigree/bundles");

/** The bundle v18 of devnet from there; undefined if it is not there. */
export async function findBundle() {
  const folder = bundleFolder();
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder, { recursive: true }).filter((name) => /\.(zst|car)$/.test(name));
  const read = (name) => async () => new Uint8Array(readFileSync(path.join(folder, name)));
  return new Bundles(names.map((name) => ({ name, read: read(name) }))).find("devnet", ACTORS);
}

const word = (value) => value.toString(16).padStart(64, "0");
const hex = (text) => new Uint8Array(Buffer.from(text, "hex"));

/** An open machine of the FVM with a token, `kinds` of messages by name (from their number), and what applies one. */
export async function fvmWorld(bundle) {
  const crypto = await loadCrypto();
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) =>
    addressOf(crypto, deriveKey(crypto, "bench", `account ${i}`, i === 0 ? "bls" : "secp256k1")),
  );
  const genesis = await buildFvmGenesis({
    ...{ networkName: "bench", networkVersion: NETWORK_VERSION, chainId: CHAIN_ID, time: 0, bundle, ethereum: [] },
    ...{ accounts: accounts.map((address) => ({ address, balance: 1_000_000n * FIL })), worker: accounts[0] },
  });
  const blocks = new Map(genesis.blocks.map(({ cid, bytes }) => [cidKey(cid), bytes]));
  const digest = () => new Uint8Array(32);
  const good = () => true;
  const host = {
    peek: (cid) => blocks.get(cidKey(cid)),
    ...{ ticketDigest: digest, beaconDigest: digest, tipsetCid: () => null, consensusFault: () => null },
    ...{ verifyPoSt: good, verifySeal: good, verifyAggregate: good, verifyReplicaUpdate: good },
  };
  const vm = await Fvm.create(host, { reuses: isPublishedCode });
  const place = { epoch: 1, timestamp: 30, networkVersion: NETWORK_VERSION, chainId: CHAIN_ID, baseFee: 0n };
  vm.open({ ...place, stateRoot: genesis.stateRoot, circulatingSupply: 10n ** 27n });
  const nonces = new Map();
  const message = ({ from, to, method = 0n, params = new Uint8Array(0), value = 0n }) => {
    const nonce = nonces.get(from) ?? 0n;
    nonces.set(from, nonce + 1n);
    const gas = { gasLimit: 1_000_000_000n, gasFeeCap: 100n, gasPremium: 0n };
    return encodeMessage({ to, from: accounts[from], nonce, value, method, params, ...gas });
  };
  const apply = (bytes) => {
    const { exitCode, why, return: value } = vm.apply(bytes, bytes.length);
    if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${why}`);
    return value;
  };
  const code = hex(JSON.parse(readFileSync(TOKEN, "utf8")).bytecode.slice(2) + word(10n ** 9n));
  const made = apply(message({ from: 0, to: EAM, method: METHOD.createExternal, params: dagCbor.encode(code) }));
  const token = Address.id(BigInt(dagCbor.decode(made)[0]));
  const call = (data) => ({ from: 0, to: token, method: METHOD.invokeEvm, params: dagCbor.encode(hex(data)) });
  const signers = [Address.id(100n).bytes, Address.id(101n).bytes];
  const wallet = [bundle.codes.get("multisig"), dagCbor.encode([signers, 1, 0, 0])];
  const kinds = {
    "transfer of funds": (i) => message({ from: i % ACCOUNTS, to: accounts[(i * 7 + 3) % ACCOUNTS], value: 1n }),
    "transfer of a token": (i) => message(call(`a9059cbb${word(0x1000 + (i % 50))}${word(1)}`)),
    "balance of a token": () => message(call(`70a08231${word(0x1000)}`)),
    "multisig made": (i) =>
      message({ from: i % ACCOUNTS, to: INIT, method: METHOD.exec, params: dagCbor.encode(wallet) }),
    "market balance added": (i) => {
      const params = dagCbor.encode(Address.id(BigInt(100 + (i % ACCOUNTS))).bytes);
      return message({ from: i % ACCOUNTS, to: MARKET, method: METHOD.addBalance, value: 5n, params });
    },
    "miner asked for its owner": (i) => message({ from: i % ACCOUNTS, to: genesis.miners[0], method: METHOD.getOwner }),
  };
  return { vm, kinds, apply, blocks };
}
