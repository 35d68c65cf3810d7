/** Filecoin.Wallet*: keys of this node. */
import { fromBase64, fromHex, toBase64, toHex } from "../../base/bytes.ts";
import { type KeyInfo, signBytes, signMessage, verifyBytes } from "../../keys/keys.ts";
import { Address } from "../../types/address.ts";
import { messageFromJson, signatureFromJson, signedMessageToJson } from "../../types/message.ts";
import { addressAt, bytesAt, textAt } from "../arguments.ts";
import type { MethodTable } from "../dispatcher.ts";
import { badParams } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import { read, withPermission } from "./common.ts";
import { orNotFound, viewAt } from "./state.ts";

export function walletMethods(node: NodeServices, randomBytes: (length: number) => Uint8Array): MethodTable {
  const { letter } = node.network;
  const keyOf = async (address: Address): Promise<KeyInfo> => {
    if (node.keystore.has(address)) return node.keystore.get(address);
    return node.keystore.get(await orNotFound((await viewAt(node, [])).accountKey(address)));
  };
  return {
    "Filecoin.WalletNew": withPermission("write", async (params) => {
      const type = textAt(params, 0, "key type");
      if (type !== "secp256k1" && type !== "bls") return badParams(`key type ${type}: "secp256k1" or "bls" expected`);
      const secret = randomBytes(32);
      // Both group orders exceed 2^254: clearing the two top bits always gives a valid scalar.
      const top = type === "bls" ? 31 : 0;
      secret[top] = (secret[top] as number) & 0x3f;
      return (await node.keystore.add({ type, secret })).toString(letter);
    }),
    "Filecoin.WalletList": withPermission("write", () => node.keystore.list().map((one) => one.toString(letter))),
    "Filecoin.WalletHas": withPermission("write", (params) => node.keystore.has(addressAt(params, 0, "address"))),
    "Filecoin.WalletBalance": read(async (params) => {
      const actor = await (await viewAt(node, [])).actor(addressAt(params, 0, "address"));
      return (actor?.balance ?? 0n).toString();
    }),
    "Filecoin.WalletDefaultAddress": withPermission("write", async () => {
      const address = await node.keystore.defaultAddress();
      return address?.toString(letter) ?? badParams("this wallet has no default address");
    }),
    "Filecoin.WalletSetDefault": withPermission("write", async (params) => {
      await node.keystore.setDefault(addressAt(params, 0, "address"));
      return null;
    }),
    "Filecoin.WalletSign": withPermission("sign", async (params) => {
      const key = await keyOf(addressAt(params, 0, "address"));
      const { type, data } = signBytes(node.crypto, key, bytesAt(params, 1, "data"));
      return { Type: type, Data: toBase64(data) };
    }),
    "Filecoin.WalletSignMessage": withPermission("sign", async (params) => {
      const key = await keyOf(addressAt(params, 0, "address"));
      return signedMessageToJson(signMessage(node.crypto, key, messageFromJson(params[1])), letter);
    }),
    "Filecoin.WalletVerify": read((params) =>
      verifyBytes(
        node.crypto,
        signatureFromJson(params[2]),
        addressAt(params, 0, "address"),
        bytesAt(params, 1, "data"),
      ),
    ),
    "Filecoin.WalletValidateAddress": read((params) => addressAt(params, 0, "address").toString(letter)),
    "Filecoin.WalletImport": withPermission("admin", async (params) => {
      const info = params[0] as { Type?: unknown; PrivateKey?: unknown } | null;
      const type = info?.Type;
      if (type !== "secp256k1" && type !== "bls") return badParams('Type: "secp256k1" or "bls" expected');
      if (typeof info?.PrivateKey !== "string") return badParams("PrivateKey: base64 text expected");
      return (await node.keystore.add({ type, secret: fromBase64(info.PrivateKey) })).toString(letter);
    }),
    "Filecoin.WalletExport": withPermission("admin", (params) => {
      const { type, secret } = node.keystore.get(addressAt(params, 0, "address"));
      return { Type: type, PrivateKey: toBase64(secret) };
    }),
    "Filecoin.WalletDelete": withPermission("admin", async (params) => {
      await node.keystore.remove(addressAt(params, 0, "address"));
      return null;
    }),
    "Filecoin.FilecoinAddressToEthAddress": read((params) => {
      const bytes = addressAt(params, 0, "address").ethereum;
      if (bytes === null) return badParams("the address has no Ethereum form");
      return `0x${toHex(bytes)}`;
    }),
    "Filecoin.EthAddressToFilecoinAddress": read((params) => {
      const match = /^0x([0-9a-fA-F]{40})$/.exec(textAt(params, 0, "address"));
      if (match?.[1] === undefined) return badParams("0x and 40 hexadecimal digits expected");
      return Address.fromEthereum(fromHex(match[1])).toString(letter);
    }),
  };
}
