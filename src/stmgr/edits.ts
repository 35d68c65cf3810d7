/** Edits of the state after a tipset, as a local network keeps them: "edit/<tipset key>", so that the tipset can be executed anew. */
import * as dagCbor from "@ipld/dag-cbor";
import type { ActorEdit } from "../exec/edits.ts";
import { bigToBytes, bytesToBig } from "../types/amount.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";

type Row = [
  address: Uint8Array,
  balance: Uint8Array | null,
  nonce: Uint8Array | null,
  code: Uint8Array | null,
  isWhole: boolean,
  slots: [Uint8Array, Uint8Array][] | null,
];

export const editName = ({ key }: Pick<Tipset, "key">): string => `edit/${tipsetKeyText(key)}`;

const big = (value: bigint | undefined): Uint8Array | null => (value === undefined ? null : bigToBytes(value));
const toBig = (bytes: Uint8Array): bigint => (bytes.length === 0 ? 0n : bytesToBig(bytes));

export function encodeEdits(edits: readonly ActorEdit[]): Uint8Array {
  const rows = edits.map(({ address, balance, nonce, code, storage }): Row => {
    const slots = storage?.slots.map(([key, value]): [Uint8Array, Uint8Array] => [key, value]) ?? null;
    return [address, big(balance), big(nonce), code ?? null, storage?.isWhole ?? false, slots];
  });
  return dagCbor.encode(rows);
}

export function decodeEdits(bytes: Uint8Array | undefined): ActorEdit[] {
  if (bytes === undefined) return [];
  return dagCbor.decode<Row[]>(bytes).map(([address, balance, nonce, code, isWhole, slots]) => ({
    address,
    ...(balance === null ? {} : { balance: toBig(balance) }),
    ...(nonce === null ? {} : { nonce: toBig(nonce) }),
    ...(code === null ? {} : { code }),
    ...(slots === null ? {} : { storage: { isWhole, slots } }),
  }));
}
