/** The steps of sectors, as the node tells them the moment that they are made. Bounded: some hundreds of sectors and steps. */
import { signal } from "@preact/signals";
import type { Subscription } from "../client.ts";
import type { SectorStepJson } from "./json.ts";
import { onConnected } from "./node.ts";

export type Step = { readonly state: string; readonly kind: string; readonly since: number };
export type SectorWay = { readonly step: SectorStepJson; readonly steps: readonly Step[] };

const MOST_SECTORS = 300;
const MOST_STEPS = 60;
const MOST_NEWS = 200;

/** By "miner/number", the one that moved last at the end. */
export const ways = signal<ReadonlyMap<string, SectorWay>>(new Map());
export const news = signal<readonly SectorStepJson[]>([]);
/** Why there is nothing to tell; empty if there is. */
export const noSectors = signal("");

export function followSectors(): void {
  onConnected(async (client) => {
    ways.value = new Map();
    let isFirst = true;
    try {
      const subscription = (await client.request("Filigree.SectorsSub", (steps: readonly SectorStepJson[]) => {
        add(steps, isFirst);
        isFirst = false;
      })) as Subscription;
      noSectors.value = "";
      await subscription.ended;
    } catch (error) {
      noSectors.value = (error as Error).message;
    }
  });
}

function add(steps: readonly SectorStepJson[], areOld: boolean): void {
  const next = new Map(ways.value);
  for (const step of steps) {
    const key = `${step.Miner}/${step.Number}`;
    const before = next.get(key)?.steps ?? [];
    next.delete(key);
    next.set(key, {
      step,
      steps: [...before, { state: step.State, kind: step.Kind, since: step.Since }].slice(-MOST_STEPS),
    });
  }
  for (const key of next.keys()) {
    if (next.size <= MOST_SECTORS) break;
    next.delete(key);
  }
  ways.value = next;
  if (!areOld) news.value = [...steps.slice().reverse(), ...news.value].slice(0, MOST_NEWS);
}
