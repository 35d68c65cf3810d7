/** Methods and addresses in words; what is learnt of an actor's code is kept for some hundreds of addresses. */
import { signal } from "@preact/signals";
import { BoundedMap } from "../base/bounded-map.ts";
import { methodText } from "../state/words.ts";
import { parseCid, textOfCid } from "../types/cid.ts";
import type { ActorJson } from "./json.ts";
import { ask, devnet } from "./node.ts";

export { exitCodeText } from "../state/words.ts";

const codes = new BoundedMap<string, Promise<string | null>>(500);

/** The code of an actor, by any of its addresses; null if it is not there. */
export function codeOf(address: string): Promise<string | null> {
  const kept = codes.get(address);
  if (kept !== undefined) return kept;
  const found = ask<ActorJson>("Filecoin.StateGetActor", address, null).then(
    ({ Code }) => Code["/"],
    () => null,
  );
  codes.set(address, found);
  // An actor that is not there yet may be there soon.
  found.then((code) => code === null && codes.delete(address)).catch(() => undefined);
  return found;
}

/** "Send", "storageminer.SubmitWindowedPoSt", "method 7". */
export async function methodName(to: string, method: number | string): Promise<string> {
  if (Number(method) === 0) return "Send";
  const code = await codeOf(to);
  return methodText(code === null ? null : parseCid(code), BigInt(method));
}

/** Kind of an actor by its code: codes of the first versions are their names. */
export function kindOfCode(code: string): string {
  return textOfCid(parseCid(code)) ?? code;
}

const labels = signal<ReadonlyMap<string, string>>(new Map());
devnet.subscribe((info) => {
  const out = new Map<string, string>();
  for (const { name, id, secp256k1, bls } of info?.accounts ?? []) {
    out.set(id, name);
    out.set(secp256k1, name);
    out.set(bls, `${name}-bls`);
  }
  labels.value = out;
});

/** Name of an account of the local network; undefined for others. */
export function labelOf(address: string): string | undefined {
  return labels.value.get(address);
}
