/**
 * Sectors of a genesis count as proven once: nobody could have asked for a proof yet. Their partitions lose the mark "unproven" by
 * hand; the state of a miner of any version is taken and given back.
 */
import { describeCode, StateError } from "../state/state-view.ts";
import { mapAmt } from "../storage/amt-map.ts";
import type { MemoryStore } from "../storage/memory.ts";
import { type CID, parseCid } from "../types/cid.ts";
import {
  type CodecContext,
  cborToJson,
  decodeCbor,
  type Json,
  jsonToCbor,
  valueToJson,
} from "../types/schema-codec.ts";

type Fields = Record<string, Json>;
const linkOf = (json: Json | undefined): CID => parseCid((json as { readonly "/": string })["/"]);
const link = (cid: CID): Json => ({ "/": cid.toString() });

/** A miner's state with no partition unproven. Blocks below it are read from `store`; new ones go to `put`, which gives their CIDs. */
export async function provenMiner(
  code: CID,
  state: Uint8Array,
  store: MemoryStore,
  put: (bytes: Uint8Array) => CID,
): Promise<Uint8Array> {
  const found = describeCode(code);
  if (found === null) throw new StateError({ code: "UNKNOWN_ACTOR_CODE", cid: `${code}` }, `no description of ${code}`);
  const context: CodecContext = { module: found.actor.module, actorsVersion: found.actorsVersion, prefix: "f" };
  const ref = (name: string) => ({ kind: "ref", name }) as const;
  const read = (type: string, block: Uint8Array): Fields => cborToJson(ref(type), block, context) as Fields;
  const write = (type: string, json: Fields): Uint8Array => jsonToCbor(ref(type), json, context);
  const blockAt = (json: Json | undefined): Uint8Array => store.peek(linkOf(json).bytes) as Uint8Array;
  const proven = (value: unknown): unknown => {
    const partition = valueToJson(ref("Partition"), value, context, "") as Fields;
    return decodeCbor(write("Partition", { ...partition, Unproven: [], UnprovenPower: { Raw: "0", QA: "0" } }));
  };
  const miner = read("MinerState", state);
  const due: Json[] = [];
  for (const one of read("Deadlines", blockAt(miner["Deadlines"]))["Due"] as Json[]) {
    const deadline = read("Deadline", blockAt(one));
    if (BigInt(deadline["TotalSectors"] as number | string) === 0n) due.push(one);
    else {
      const partitions = await mapAmt(store, linkOf(deadline["Partitions"]), proven, put);
      due.push(link(put(write("Deadline", { ...deadline, Partitions: link(partitions) }))));
    }
  }
  return write("MinerState", { ...miner, Deadlines: link(put(write("Deadlines", { Due: due }))) });
}
