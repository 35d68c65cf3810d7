/**
 * Fields of chain objects by their names, for paths through the store, where they are lists. Of which kind a list is, is told by its form: a
 * name only stands for a place, so one that is taken for another kind is no harm.
 */
import { chainTypes } from "../schema/chain.ts";
import { cid, type Field, type FieldType, field, type TupleType, tuple } from "../schema/kit.ts";
import { CID } from "../types/cid.ts";
import { findType } from "../types/schema-codec.ts";

/** A value on the way, and what is known of it. */
export type Standing = { readonly value: unknown; readonly type: FieldType | null };

const of = (name: string): TupleType => findType(chainTypes, name).type;
const HEADER = of("BlockHeader");
const MESSAGE = of("Message");
const SIGNED = of("SignedMessage");
const STATE_ROOT = of("StateRoot");
/** Source: lotus at b835fab702eb chain/types/message_receipt.go. */
const RECEIPT = tuple("MessageReceipt", "", [...of("MessageReceipt").fields, field("EventsRoot", cid)]);
/** Source: lotus at b835fab702eb chain/types/blockheader.go (MsgMeta). */
const LISTS = tuple("MsgMeta", "", [field("BlsMessages", cid), field("SecpkMessages", cid)]);

/** Keys of a map that an error names, and characters of each. */
const MOST_KEYS = 20;
const LONGEST_KEY = 40;

const isNumber = (value: unknown): boolean => typeof value === "number" || typeof value === "bigint";
const isBytes = (value: unknown): boolean => value instanceof Uint8Array;
const isLink = (value: unknown): boolean => CID.asCID(value) !== null;

function kindOf(list: readonly unknown[]): TupleType | null {
  const [first, second, third] = list;
  const isReceipt = isNumber(first) && isBytes(second) && isNumber(third);
  switch (list.length) {
    case HEADER.fields.length:
      return isBytes(first) ? HEADER : null;
    case MESSAGE.fields.length:
      return isNumber(first) && isBytes(second) ? MESSAGE : null;
    case 2:
      if (isLink(first)) return isLink(second) ? LISTS : null;
      return Array.isArray(first) && first.length === MESSAGE.fields.length && isBytes(second) ? SIGNED : null;
    case 3:
      if (isReceipt) return RECEIPT;
      return isNumber(first) && isLink(second) && isLink(third) ? STATE_ROOT : null;
    case RECEIPT.fields.length:
      return isReceipt ? RECEIPT : null;
    default:
      return null;
  }
}

function fieldsOf(list: readonly unknown[], type: FieldType | null): readonly Field[] {
  if (type?.kind === "optional") return fieldsOf(list, type.of);
  if (type?.kind === "list") return [];
  const found = type?.kind === "ref" ? findType(chainTypes, type.name).type : kindOf(list);
  return found?.fields.slice(0, list.length) ?? [];
}

/** One step on: a name of a field or of a map's entry, or a place in a list; null where there is none. */
export function stepInto({ value, type }: Standing, step: string): Standing | null {
  if (Array.isArray(value)) {
    const fields = fieldsOf(value, type);
    const named = fields.findIndex(({ name }) => name === step);
    const place = named < 0 && /^\d{1,9}$/.test(step) ? Number(step) : named;
    if (place < 0 || place >= value.length) return null;
    return { value: value[place] as unknown, type: type?.kind === "list" ? type.of : (fields[place]?.type ?? null) };
  }
  if (typeof value !== "object" || value === null || isBytes(value) || !Object.hasOwn(value, step)) return null;
  return { value: (value as Record<string, unknown>)[step], type: null };
}

/** What a step may name here, for people. */
export function stepsAt({ value, type }: Standing): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return "the list is empty";
    const names = fieldsOf(value, type).map(({ name }) => name);
    return `${names.length === 0 ? "a list has" : `there are ${names.join(", ")}, and`} places 0 to ${value.length - 1}`;
  }
  if (typeof value !== "object" || value === null || isBytes(value)) return "nothing is below it";
  const keys = Object.keys(value);
  const told = keys.slice(0, MOST_KEYS).map((key) => key.slice(0, LONGEST_KEY));
  return told.length === 0
    ? "the map is empty"
    : `there are ${told.join(", ")}${keys.length > told.length ? ", …" : ""}`;
}
