/** Filecoin.Wallet*: keys of this node, and the Ethereum form of addresses. */
import { fromHex, toHex } from "../../base/bytes.ts";
import { type KeyInfo, keyFrom, signBytes, signMessage, verifyBytes } from "../../keys/keys.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import { Address, PROTOCOL } from "../../types/address.ts";
import type { Tipset } from "../../types/block-header.ts";
import { address, amount, bytes, message, signature, signedMessage } from "../codec/chain-types.ts";
import {
  boolean,
  type Codec,
  choice,
  expected,
  list,
  nothing,
  nullable,
  object,
  text,
  within,
} from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { idAt, keyAt, viewAt } from "../view.ts";

const MAX_KEYS = 100_000;
const MAX_SIGNED = 1 << 20;
/** Epochs behind the head that Ethereum's clients may call safe. Source: lotus chain/types/ethtypes/eth_types.go. */
const SAFE_EPOCHS = 30;
const keyType = choice("secp256k1", "bls");
const keyInfo = object("KeyInfo", { Type: keyType, PrivateKey: bytes(1024) });

/** 40 hexadecimal digits; 0x before them and the first zero may be left out, as the network's other nodes read them. */
const ethereumAddress: Codec<Uint8Array, string> = {
  schema: { title: "EthAddress", type: "string", pattern: "^(0[xX])?[0-9a-fA-F]{39,40}$" },
  decode(json, path) {
    const match = typeof json === "string" ? /^(?:0[xX])?([0-9a-fA-F]{39,40})$/.exec(json) : null;
    return match?.[1] === undefined
      ? expected(path, "Ethereum address of 40 hexadecimal digits", json)
      : fromHex(match[1].padStart(40, "0"));
  },
  encode: (value) => `0x${toHex(value)}`,
};

/** A tipset as Ethereum's clients name it: a word, or an epoch in hexadecimal. */
const blockParam = nullable(text(32));

async function tipsetOf(node: NodeServices, name: string | null): Promise<Tipset> {
  const { chain } = node;
  if (name === null || name === "latest" || name === "pending") return chain.head;
  if (name === "earliest") return chain.genesis();
  const back = name === "finalized" ? CHAIN_LIMITS.finality : name === "safe" ? SAFE_EPOCHS : null;
  if (back !== null) return chain.tipsetAtOrBefore(Math.max(0, chain.head.height - back));
  if (!/^0x[0-9a-fA-F]{1,13}$/.test(name))
    return badParams(`block: latest, pending, safe, finalized, earliest or an epoch in hexadecimal expected`);
  return chain.tipsetAtOrBefore(Number(name));
}

async function keyOf(node: NodeServices, signer: Address): Promise<KeyInfo> {
  if (node.keystore.has(signer)) return node.keystore.get(signer);
  return node.keystore.get(await keyAt(node, signer, []));
}

/** The Ethereum form: of an f410 or ID address its own, of any other that of its actor's id. */
async function ethereumOf(node: NodeServices, given: Address, block: string | null): Promise<Uint8Array> {
  const own = given.ethereum;
  if (own !== null) return own;
  if (given.protocol === PROTOCOL.delegated)
    return badParams(`address: ${given.toString(node.network.prefix)} has no Ethereum form`);
  const id = await idAt(node, given, (await tipsetOf(node, block)).key);
  return id.ethereum as Uint8Array;
}

export const walletGroup = group("Wallet", "Keys that this node holds, signatures and balances.", {
  WalletNew: method({
    summary: "Makes a key and gives its address.",
    permission: "write",
    params: [param("keyType", keyType)],
    result: address,
    run: ([type], { node }) => node.keystore.add(keyFrom(type, node.randomBytes(32))),
  }),
  WalletList: method({
    summary: "Addresses of the keys.",
    permission: "write",
    result: list(address, MAX_KEYS),
    run: (_, { node }) => node.keystore.list(),
  }),
  WalletHas: method({
    summary: "Whether there is a key for an address.",
    permission: "write",
    params: [param("address", address)],
    result: boolean,
    run: ([one], { node }) => node.keystore.has(one),
  }),
  WalletBalance: method({
    summary: "The balance of an actor after the head, attoFIL; 0 where there is none.",
    params: [param("address", address)],
    result: amount,
    run: async ([one], { node }) => (await (await viewAt(node, [])).actor(one))?.balance ?? 0n,
  }),
  WalletDefaultAddress: method({
    summary: "The address that is used when none is named.",
    permission: "write",
    result: address,
    async run(_, { node }) {
      const found = await node.keystore.defaultAddress();
      if (found === null) throw new RpcError(RPC_CODE.untyped, "this wallet has no default address");
      return found;
    },
  }),
  WalletSetDefault: method({
    summary: "Chooses the address that is used when none is named.",
    permission: "write",
    params: [param("address", address)],
    result: nothing,
    async run([one], { node }) {
      await node.keystore.setDefault(one);
      return null;
    },
  }),
  WalletSign: method({
    summary: "Signs bytes with a key of this node.",
    permission: "sign",
    params: [param("address", address), param("data", bytes(MAX_SIGNED))],
    result: signature,
    run: async ([signer, data], { node }) => signBytes(node.crypto, await keyOf(node, signer), data),
  }),
  WalletSignMessage: method({
    summary: "Signs a message with a key of this node; nothing is sent.",
    permission: "sign",
    params: [param("address", address), param("message", message)],
    result: signedMessage,
    run: async ([signer, given], { node }) => signMessage(node.crypto, await keyOf(node, signer), given),
  }),
  WalletVerify: method({
    summary: "Whether a signature over bytes is that of an address.",
    params: [param("address", address), param("data", bytes(MAX_SIGNED)), param("signature", signature)],
    result: boolean,
    run: ([signer, data, given], { node }) => verifyBytes(node.crypto, given, signer, data),
  }),
  WalletValidateAddress: method({
    summary: "Parses an address and gives it in this network's spelling.",
    params: [param("address", text(128))],
    result: address,
    run: ([given]) => within("address", () => Address.parse(given)),
  }),
  WalletImport: method({
    summary: "Takes a key into the wallet and gives its address.",
    permission: "admin",
    params: [param("key", keyInfo)],
    result: address,
    run: ([{ Type: type, PrivateKey: secret }], { node }) => node.keystore.add({ type, secret }),
  }),
  WalletExport: method({
    summary: "The secret key of an address.",
    permission: "admin",
    params: [param("address", address)],
    result: keyInfo,
    run([one], { node }) {
      const { type, secret } = node.keystore.get(one);
      return { Type: type, PrivateKey: secret };
    },
  }),
  WalletDelete: method({
    summary: "Removes a key for good.",
    permission: "admin",
    params: [param("address", address)],
    result: nothing,
    async run([one], { node }) {
      await node.keystore.remove(one);
      return null;
    },
  }),
  FilecoinAddressToEthAddress: method({
    summary: "The Ethereum form of an address: of an f410 address its own, of any other that of its actor's id.",
    params: [param("address", address), param("block", blockParam)],
    result: ethereumAddress,
    run: ([given, block], { node }) => ethereumOf(node, given, block),
  }),
  EthAddressToFilecoinAddress: method({
    summary: "The address behind an Ethereum form: an ID address for a masked one, an f410 address for any other.",
    params: [param("address", ethereumAddress)],
    result: address,
    run: ([given]) => within("address", () => Address.fromEthereum(given)),
  }),
});
