/** Which state a command is to look at: in a CAR file of a chain, in one of a state, or in a data folder. */
import { platform } from "#platform";
import { Chain } from "../chain/chain.ts";
import { indexSnapshot } from "../chain/snapshot-head.ts";
import { loadCrypto } from "../core/crypto.ts";
import { networkNameIn } from "../state/network-name.ts";
import type { BlockSource } from "../storage/contract.ts";
import { TableStore } from "../storage/table-store.ts";
import { type BlockHeader, decodeHeader } from "../types/block-header.ts";
import { type CID, parseCid } from "../types/cid.ts";
import { readingCar } from "./car-input.ts";
import { UsageError } from "./errors.ts";
import { openBytes } from "./input.ts";
import type { ProgressLine } from "./terminal.ts";

export type StateWish = { readonly epoch?: number; readonly root?: string; readonly data: string };

/** A state: its root, and the epoch of the tipset that it is the result of. */
export type StatePlace = { readonly root: CID; readonly epoch: number; readonly blocks: BlockSource };
export type OpenedState = {
  readonly place: StatePlace;
  /** The network that the state names; null where it names none. */
  readonly networkName: string | null;
  readonly close: () => Promise<void>;
};

/** `name`: a CAR file, "head" or a state root of the data folder. */
export async function openState(name: string, wish: StateWish, line: ProgressLine): Promise<OpenedState> {
  const isInFolder = name === "head" || name.startsWith("baf");
  return isInFolder ? fromFolder(name, wish) : fromCar(name, wish, line);
}

async function fromFolder(name: string, wish: StateWish): Promise<OpenedState> {
  const store = await TableStore.open(wish.data, platform.openTable, { create: false });
  const close = (): Promise<void> => store.close();
  return closedIfNot(close, async () => {
    if (name !== "head") return { root: parseCid(name), epoch: givenEpoch(wish), blocks: store };
    const header = (await Chain.open({ blocks: store })).head.blocks[0];
    if (header === undefined) throw new Error(`${wish.data} holds no chain`);
    return beneath(header, store);
  });
}

/** A CAR file of any size, or standard input. */
async function fromCar(file: string, wish: StateWish, line: ProgressLine): Promise<OpenedState> {
  const source = await openBytes(file);
  return closedIfNot(
    () => source.close(),
    () =>
      readingCar(file, async () => {
        const onProgress = (done: number, total: number): void => line.part("reading", done, total);
        const { head, blocks } = await indexSnapshot(source, await loadCrypto(), { onProgress });
        if (wish.root !== undefined) return { root: parseCid(wish.root), epoch: givenEpoch(wish), blocks };
        const [first] = head as [CID];
        const bytes = await blocks.get(first.bytes);
        if (bytes === undefined) throw new Error(`${file} names the root ${first}, and does not have it`);
        const header = headerOf(bytes);
        return header === null ? { root: first, epoch: givenEpoch(wish), blocks } : beneath(header, blocks);
      }),
  );
}

async function closedIfNot(close: () => Promise<void>, find: () => Promise<StatePlace>): Promise<OpenedState> {
  try {
    const place = await find();
    return { place, networkName: await networkNameIn(place.blocks, place.root), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The state that a block stands on, the result of its parents: these lie further down by the null rounds between. */
async function beneath(header: BlockHeader, blocks: BlockSource): Promise<StatePlace> {
  const [parent] = header.parents;
  const bytes = parent === undefined ? undefined : await blocks.get(parent.bytes);
  const below = bytes === undefined ? null : headerOf(bytes);
  return { root: header.parentStateRoot, epoch: below?.height ?? header.height - 1, blocks };
}

function headerOf(bytes: Uint8Array): BlockHeader | null {
  try {
    return decodeHeader(bytes);
  } catch {
    return null;
  }
}

function givenEpoch({ epoch }: StateWish): number {
  if (epoch === undefined)
    throw new UsageError("--epoch is needed for a state root: the epoch that the state is the result of");
  return epoch;
}
