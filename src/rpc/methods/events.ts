/** Filecoin.ChainGetEvents: what actors told the world, of receipts that have an array of it. */
import { eventValues } from "../../storage/event-amt.ts";
import { bytes, link, uint64 } from "../codec/chain-types.ts";
import { list, object, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { method, param } from "../method.ts";

const MANY = 100_000;
const MAX_KEY = 4096;

const event = object("Event", {
  Emitter: uint64,
  Entries: list(
    object("EventEntry", { Flags: uint64, Key: text(MAX_KEY), Codec: uint64, Value: bytes(1 << 20) }),
    MANY,
  ),
});

function refuse(): never {
  throw new RpcError(RPC_CODE.untyped, "the array holds something that is no event");
}

function whole(value: unknown): bigint {
  return typeof value === "bigint" || Number.isSafeInteger(value) ? BigInt(value as number) : refuse();
}

function tuple(value: unknown, length: number): readonly unknown[] {
  return Array.isArray(value) && value.length === length ? value : refuse();
}

/** Source: lotus chain/types/event.go. */
function eventOf(value: unknown) {
  const [emitter, entries] = tuple(value, 2);
  if (!Array.isArray(entries)) return refuse();
  return {
    Emitter: whole(emitter),
    Entries: entries.map((one) => {
      const [flags, key, codec, data] = tuple(one, 4);
      if (typeof key !== "string" || !(data instanceof Uint8Array)) return refuse();
      return { Flags: whole(flags), Key: key, Codec: whole(codec), Value: data };
    }),
  };
}

export const eventMethods = {
  ChainGetEvents: method({
    summary: "The events of an array, by the root that a receipt names. Receipts before network version 18 name none.",
    params: [param("root", link)],
    result: list(event, MANY),
    async run([root], { node }) {
      const values = await eventValues(node.chain.blocks, root).catch((error: unknown) => {
        throw new RpcError(RPC_CODE.untyped, `no events at ${root}: ${(error as Error).message}`);
      });
      return values.map(eventOf);
    },
  }),
};
