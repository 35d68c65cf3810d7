/**
 * A setup by one person, from a seed: whoever knows the seed can forge proofs. For local networks and tests, never for value.
 *
 * Each secret is BLAKE2b-256 of a label, the seed's length and the seed, with a counter that goes up until the number, its top bit
 * cleared, is below the modulus and not 0. The generators are the standard ones of both groups.
 */
import { concat, toHex, utf8 } from "../../base/bytes.ts";
import { blake2b, blake2b256 } from "../../base/digests.ts";
import type { SetupNumbers } from "./jobs.ts";

/** A setup: the secrets, and the generators that everything is a multiple of, uncompressed. */
export type Setup = { readonly numbers: SetupNumbers; readonly g1: Uint8Array; readonly g2: Uint8Array };

const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const LABEL = "filigree local setup 1";

/** The generators of BLS12-381: draft-irtf-cfrg-pairing-friendly-curves-11, section 4.2.1. */
const G1 = `
17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb
08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1`;
const G2 = `
13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e
024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8
0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be
0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801`;

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replace(/\s/g, "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

function u32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

function secret(seed: Uint8Array, name: string): Uint8Array {
  for (let counter = 0; ; counter++) {
    const text = utf8(`${LABEL} ${name}`);
    const bytes = blake2b256(concat(u32(text.length), text, u32(seed.length), seed, u32(counter)));
    bytes[31] = (bytes[31] as number) & 0x7f;
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    if (value !== 0n && value < MODULUS) return bytes;
  }
}

/** The setup of a seed; the same for every circuit. */
export function setupOf(seed: string): Setup {
  const bytes = utf8(seed);
  const number = (name: string): Uint8Array => secret(bytes, name);
  const numbers = {
    alpha: number("alpha"),
    beta: number("beta"),
    gamma: number("gamma"),
    delta: number("delta"),
    tau: number("tau"),
  };
  return { numbers, g1: bytesOf(G1), g2: bytesOf(G2) };
}

/** Tells setups apart without telling their seed: 16 hexadecimal digits. */
export function setupId(seed: string): string {
  return toHex(blake2b(concat(utf8(`${LABEL} id`), utf8(seed)), 8));
}
