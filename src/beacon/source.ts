/** Where entries come from. */
import { toHex } from "../base/bytes.ts";
import type { BeaconEntry } from "../types/block-header.ts";
import type { DrandInfo } from "./drand.ts";
import type { VerifyEntry } from "./rules.ts";

export type BeaconSource = {
  /**
   * The entry of a round; waits for it while it is not out yet. Rejects with `BeaconError` NO_ENTRY where nobody answers,
   * or with the signal's reason.
   */
  entry(info: DrandInfo, round: bigint, signal: AbortSignal): Promise<BeaconEntry>;
};

/** Entries kept. Source: lotus chain/beacon/drand/drand.go. */
const MAX_CACHED = 1024;

/** Entries that were verified, so that each costs one verification however often it is met. */
export class VerifiedEntries {
  private readonly entries = new Map<string, Uint8Array>();
  private readonly verify: VerifyEntry;

  constructor(verify: VerifyEntry) {
    this.verify = verify;
  }

  get(info: DrandInfo, round: bigint): BeaconEntry | null {
    const data = this.entries.get(nameOf(info, round));
    return data === undefined ? null : { round, data };
  }

  /** Remembers an entry that was verified elsewhere. */
  note(info: DrandInfo, { round, data }: BeaconEntry): void {
    this.entries.set(nameOf(info, round), data);
    if (this.entries.size > MAX_CACHED) this.entries.delete(this.entries.keys().next().value as string);
  }

  /** As `VerifyEntry`. What is known already is compared. */
  readonly check: VerifyEntry = (info, entry, previous) => {
    const name = nameOf(info, entry.round);
    const known = this.entries.get(name);
    if (known !== undefined) return known.length === entry.data.length && known.every((b, i) => b === entry.data[i]);
    if (!this.verify(info, entry, previous)) return false;
    this.note(info, entry);
    return true;
  };
}

function nameOf({ scheme, genesisTime, publicKey }: DrandInfo, round: bigint): string {
  return `${scheme}/${genesisTime}/${toHex(publicKey)}/${round}`;
}
