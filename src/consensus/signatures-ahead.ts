/**
 * Signatures of blocks that will be validated soon, so that they can be verified in a worker meanwhile: what they are most
 * probably made over, from the blocks themselves and from the workers' keys as of now. Nothing is decided here. Who verifies
 * remembers what was right; validation asks for what it must, and finds it remembered or verifies it itself.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { type BeaconEntry, type BlockHeader, headerSigningBytes } from "../types/block-header.ts";
import { SIGNATURE_TYPE } from "../types/message.ts";
import type { SignedBytes } from "./batched-bls.ts";
import { electionInput, ticketInput } from "./draws.ts";
import { minerStanding } from "./power.ts";

const SIGNATURE_BYTES = 96;
const KEPT_KEYS = 4096;
/** Beacon entries of one block that are verified ahead: a header may carry thousands, and nothing of it is checked yet. */
const MOST_ENTRIES = 32;

export type Expected = {
  readonly signed: readonly SignedBytes[];
  /** Entries of the beacon, with the data of the one before each. */
  readonly entries: readonly { readonly entry: BeaconEntry; readonly previous: Uint8Array; readonly epoch: number }[];
};

export class SignaturesAhead {
  private readonly states: StateManager;
  /** By miner; null where no key is known. Headers name any miner, before anything of them is checked. */
  private readonly keys = new BoundedMap<string, Promise<Uint8Array | null>>(KEPT_KEYS);

  constructor(states: StateManager) {
    this.states = states;
  }

  /** Of the blocks of one tipset, which stand on `below`. */
  async of(headers: readonly BlockHeader[], below: readonly BlockHeader[]): Promise<Expected> {
    const previous = below[0]?.beaconEntries.at(-1);
    const signed: SignedBytes[] = [];
    for (const header of headers) {
      const publicKey = await this.keyOf(header);
      const beacon = header.beaconEntries.at(-1) ?? previous;
      if (publicKey === null) continue;
      const add = (message: Uint8Array, signature: Uint8Array | null | undefined): void => {
        if (signature?.length === SIGNATURE_BYTES) signed.push({ publicKey, message, signature });
      };
      if (beacon !== undefined) {
        const draw = { beacon, epoch: header.height, miner: header.miner };
        const version = this.states.networkVersionAt(header.height);
        add(electionInput(draw), header.electionProof?.vrfProof);
        add(ticketInput(draw, below[0]?.ticket ?? new Uint8Array(0), version), header.ticket);
      }
      if (header.blockSig?.type === SIGNATURE_TYPE.bls) add(headerSigningBytes(header), header.blockSig.data);
    }
    return { signed, entries: entriesOf(headers, previous) };
  }

  private keyOf({ miner }: BlockHeader): Promise<Uint8Array | null> {
    const known = this.keys.get(miner.key);
    if (known !== undefined) return known;
    const { states } = this;
    const read = async (): Promise<Uint8Array | null> => {
      const view = await states.stateBefore(states.chain.head);
      return (await minerStanding(states.chain.blocks, view, miner))?.worker.payload ?? null;
    };
    const reading = read().catch(() => null);
    this.keys.set(miner.key, reading);
    return reading;
  }
}

/** Each entry once: the blocks of a tipset carry the same. None of very many, of which validation stops at the first wrong one. */
function entriesOf(headers: readonly BlockHeader[], below: BeaconEntry | undefined): Expected["entries"] {
  const [first] = headers;
  if (first === undefined || first.beaconEntries.length > MOST_ENTRIES) return [];
  let previous = below?.data ?? new Uint8Array(0);
  return first.beaconEntries.map((entry) => {
    const one = { entry, previous, epoch: first.height };
    previous = entry.data;
    return one;
  });
}
