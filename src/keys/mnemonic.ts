/**
 * Accounts of a BIP-39 mnemonic: secp256k1 keys along BIP-32 paths.
 *
 * Coin types of SLIP-44: 461 is Filecoin's, 60 Ethereum's. A path `m/44'/<coin>'/0'/0/<i>` is what wallets of both networks
 * take. There is no such path for BLS keys.
 */
import { HDKey } from "@scure/bip32";
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { KeyError, type KeyInfo } from "./keys.ts";

const COIN_TYPE = { filecoin: 461, ethereum: 60 } as const;
export type Coin = keyof typeof COIN_TYPE;

/** Entropy of 12 words, bytes. */
export const ENTROPY_BYTES = 16;
/** Accounts of one mnemonic: indices are below this (BIP-32, not hardened). */
const MAX_INDEX = 2 ** 31;

/** 12 words from 16 bytes of entropy. */
export function mnemonicOf(entropy: Uint8Array): string {
  return entropyToMnemonic(entropy, wordlist);
}

/** The words with single spaces and in lower case. Throws `KeyError` BAD_MNEMONIC; the words are not repeated. */
export function parseMnemonic(text: string): string {
  const words = text.normalize("NFKD").trim().toLowerCase().split(/\s+/);
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  const refuse = (reason: string): never => {
    throw new KeyError({ code: "BAD_MNEMONIC", reason }, `no BIP-39 mnemonic: ${reason}`);
  };
  if (![12, 15, 18, 21, 24].includes(words.length)) return refuse(`${words.length} words, not 12, 15, 18, 21 or 24`);
  if (unknown >= 0) return refuse(`word ${unknown + 1} is not in the English list`);
  if (!validateMnemonic(words.join(" "), wordlist)) return refuse("the checksum does not match; a word is wrong");
  return words.join(" ");
}

/** `m/44'/461'/0'/0/<index>`, or the same with Ethereum's coin type. */
export function accountPath(coin: Coin, index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_INDEX)
    throw new KeyError(
      { code: "BAD_MNEMONIC", reason: "index" },
      `no account ${index}: 0 to ${MAX_INDEX - 1} expected`,
    );
  return `m/44'/${COIN_TYPE[coin]}'/0'/0/${index}`;
}

/** The keys of a mnemonic, with an empty passphrase unless one is given. The slow step is done once. */
export class MnemonicKeys {
  private readonly root: HDKey;

  constructor(mnemonic: string, passphrase = "") {
    this.root = HDKey.fromMasterSeed(mnemonicToSeedSync(parseMnemonic(mnemonic), passphrase));
  }

  /** The secp256k1 key at a path such as `accountPath("filecoin", 0)`. */
  key(path: string): KeyInfo {
    const secret = this.root.derive(path).privateKey;
    if (secret === null || secret === undefined)
      throw new KeyError({ code: "BAD_MNEMONIC", reason: "path" }, `no key at ${path}`);
    return { type: "secp256k1", secret: Uint8Array.from(secret) };
  }
}
