/**
 * The chain as the page knows it: tipsets near the head, and those that were looked at; what was reverted. Bounded,
 * however long the page stays open: some hundreds of tipsets, without their proofs.
 */
import { signal } from "@preact/signals";
import type { Subscription } from "../client.ts";
import type { HeadChange, TipsetJson } from "./json.ts";
import { ask, onConnected } from "./node.ts";

export type BlockView = {
  readonly cid: string;
  readonly miner: string;
  readonly winCount: number;
  readonly parents: readonly string[];
};
export type TipsetView = {
  readonly epoch: number;
  readonly key: readonly string[];
  readonly blocks: readonly BlockView[];
  readonly timestamp: number;
  /** attoFIL per gas */
  readonly baseFee: bigint;
  readonly weight: string;
  readonly stateRoot: string;
};

const MOST_TIPSETS = 600;
const MOST_REVERTED = 60;
/** Tipsets below the head that are fetched when the page opens. */
const BEGINNING = 60;
/** Changes that wait to be drawn: a tab in the background draws seldom. */
const MOST_PENDING = 1000;
/** Milliseconds between two drawings while tipsets arrive. */
const DRAW_MS = 100;

const tipsets = new Map<number, TipsetView>();
const pending: HeadChange[] = [];
let timer: ReturnType<typeof setTimeout> | null = null;

export const head = signal<TipsetView | null>(null);
/** Grows with every change of what is known. */
export const revision = signal(0);
/** Tipsets that were on the chain and are not any more, the last ones first. */
export const reverted = signal<readonly TipsetView[]>([]);
/** Tipsets that came since the page was opened. */
export const arrived = signal(0);

export function tipsetView(tipset: TipsetJson): TipsetView {
  const [first] = tipset.Blocks;
  return {
    epoch: tipset.Height,
    key: tipset.Cids.map((cid) => cid["/"]),
    blocks: tipset.Blocks.map((block, i) => ({
      cid: tipset.Cids[i]?.["/"] ?? "",
      miner: block.Miner,
      winCount: block.ElectionProof?.WinCount ?? 0,
      parents: (block.Parents ?? []).map((cid) => cid["/"]),
    })),
    timestamp: first?.Timestamp ?? 0,
    baseFee: BigInt(first?.ParentBaseFee ?? 0),
    weight: first?.ParentWeight ?? "0",
    stateRoot: first?.ParentStateRoot["/"] ?? "",
  };
}

export function tipsetAt(epoch: number): TipsetView | undefined {
  return tipsets.get(epoch);
}

/** Those that are known from one epoch to another, in their order. */
export function known(from: number, to: number): TipsetView[] {
  const out: TipsetView[] = [];
  for (let epoch = from; epoch <= to; epoch++) {
    const found = tipsets.get(epoch);
    if (found !== undefined) out.push(found);
  }
  return out;
}

/**
 * Of tipsets in their order, those that hold what another executed, the newest first, each with that one's epoch: the one before it here, else the
 * epoch below. The genesis has none below it.
 */
export function withParents(shown: readonly TipsetView[]): { readonly child: TipsetView; readonly epoch: number }[] {
  return shown
    .map((child, i) => ({ child, epoch: shown[i - 1]?.epoch ?? child.epoch - 1 }))
    .filter(({ child }) => child.epoch > 0)
    .reverse();
}

/** Keeps a tipset; what is farthest from it goes when there are too many. */
function keep(view: TipsetView): void {
  tipsets.set(view.epoch, view);
  if (tipsets.size <= MOST_TIPSETS) return;
  const top = head.value?.epoch ?? view.epoch;
  // Insertion order is nearly that of age; what is near the head or just came stays.
  for (const epoch of tipsets.keys()) {
    if (tipsets.size <= MOST_TIPSETS) break;
    if (Math.abs(epoch - view.epoch) > BEGINNING * 2 && top - epoch > BEGINNING) tipsets.delete(epoch);
  }
}

function apply({ Type: type, Val }: HeadChange): void {
  const view = tipsetView(Val);
  if (type === "revert") {
    if (tipsets.get(view.epoch)?.key.join() === view.key.join()) tipsets.delete(view.epoch);
    reverted.value = [view, ...reverted.value].slice(0, MOST_REVERTED);
    return;
  }
  // After a way back to a snapshot, what stood above is no more.
  const top = head.value?.epoch ?? -1;
  if (view.epoch <= top) for (let epoch = view.epoch + 1; epoch <= top; epoch++) tipsets.delete(epoch);
  const parent = head.value?.epoch;
  if (parent !== undefined && parent < view.epoch)
    for (let epoch = parent + 1; epoch < view.epoch; epoch++) tipsets.delete(epoch);
  keep(view);
  head.value = view;
  if (type === "apply") arrived.value++;
}

function draw(): void {
  timer = null;
  const changes = pending.splice(0);
  for (const change of changes) apply(change);
  revision.value++;
}

/** Follows the head: one subscription, drawn at most ten times a second. */
export function followChain(): void {
  onConnected(async (client) => {
    tipsets.clear();
    const subscription = (await client.request("Filecoin.ChainNotify", (changes: readonly HeadChange[]) => {
      // The notes of a chain that moves faster than it is drawn: those that are drawn next are enough.
      pending.push(...changes);
      if (pending.length > MOST_PENDING) pending.splice(0, pending.length - MOST_PENDING);
      if (timer === null) timer = setTimeout(draw, DRAW_MS);
    })) as Subscription;
    const current = tipsetView(await ask<TipsetJson>("Filecoin.ChainHead"));
    await load(Math.max(0, current.epoch - BEGINNING), current.epoch);
    await subscription.ended;
  });
}

const loading = new Set<number>();
/** Calls under way at once. */
const AT_ONCE = 8;

/** Fetches what is not known from one epoch to another, the newest first. Null rounds cost no second question. */
export async function load(from: number, to: number): Promise<void> {
  let next = to;
  const worker = async (): Promise<void> => {
    while (next >= from) {
      const epoch = next--;
      if (tipsets.has(epoch) || loading.has(epoch)) continue;
      loading.add(epoch);
      try {
        const found = tipsetView(await ask<TipsetJson>("Filecoin.ChainGetTipSetByHeight", epoch, null));
        keep(found);
        if (found.epoch < next) next = Math.min(next, found.epoch - 1);
      } finally {
        loading.delete(epoch);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  revision.value++;
}
