/** Random trees of tipsets: whatever was appended and wherever the head moved, the chain is what a plain walk finds. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex, utf8 } from "../../../src/base/bytes.ts";
import { Chain, type HeadChange } from "../../../src/chain/chain.ts";
import { selectMessages } from "../../../src/chain/message-store.ts";
import { drawRandomness, randomnessAt } from "../../../src/chain/randomness.ts";
import { MessageSearch } from "../../../src/stmgr/message-search.ts";
import type { BlockStore } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { tipsetKeyText } from "../../../src/types/block-header.ts";
import { encodeMessage, type Message, messageCid } from "../../../src/types/message.ts";
import { plainMessage, type TreeTipset, treeTipset } from "../../support/header-tree.ts";

type Made = TreeTipset & { readonly parent: Made | null };

/** What is done: where (an index of what was made so far), how many null rounds before it, what it carries. */
type Step = {
  readonly what: "append" | "put" | "head" | "graft";
  readonly where: number;
  readonly nulls: number;
  readonly carries: readonly Message[];
};

const message = fc
  .tuple(fc.nat(2), fc.nat(3), fc.nat(1), fc.nat(1))
  .map(([sender, nonce, value, premium]) => plainMessage(sender, nonce, value, premium));
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom("append", "append", "append", "put", "head", "graft"),
  where: fc.nat(),
  nulls: fc.constantFrom(0, 0, 0, 1, 4),
  carries: fc.array(message, { maxLength: 3 }),
});

/** A store whose answers come later, in a changing order. */
function late(store: MemoryStore): BlockStore {
  let turn = 0;
  const wait = async (): Promise<void> => {
    for (let i = turn++ % 4; i > 0; i--) await Promise.resolve();
  };
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (name === "peek") return () => undefined;
      if (!["get", "has", "metadata", "metadataWith", "metadataBetween", "write"].includes(String(name)))
        return value.bind(target);
      return async (...given: unknown[]) => {
        await wait();
        return (value as (...given: unknown[]) => unknown).apply(target, given);
      };
    },
  });
}

function lineOf(top: Made): Made[] {
  const line: Made[] = [];
  for (let at: Made | null = top; at !== null; at = at.parent) line.unshift(at);
  return line;
}

function carried(one: Made): readonly Message[] {
  return selectMessages([one.messages])
    .flat()
    .map((found) => found.message);
}

const name = (one: TreeTipset | TreeTipset["tipset"]): string =>
  tipsetKeyText("tipset" in one ? one.tipset.key : one.key);

/** Builds the tree and moves the head; gives all tipsets made and the one that must be the head. */
async function run(chain: Chain, steps: readonly Step[]): Promise<{ made: Made[]; head: Made }> {
  const genesis: Made = { ...treeTipset(null, 0, [], "genesis"), parent: null };
  await chain.append(genesis.added);
  const made = [genesis];
  let head = genesis;
  for (const [i, { what, where, nulls, carries }] of steps.entries()) {
    const chosen = made[where % made.length] as Made;
    if (what === "head") {
      await chain.setHead(chosen.tipset);
      head = chosen;
      continue;
    }
    const parent = what === "append" ? head : chosen;
    const next = { ...treeTipset(parent, parent.tipset.height + 1 + nulls, carries, `${i}`), parent };
    made.push(next);
    if (what === "put") await chain.put(next.added);
    else {
      await chain.append(i % 2 === 0 ? next.added : { ...next.added, messages: [next.messages] });
      head = next;
    }
  }
  return { made, head };
}

test("index, search, randomness and paths are those of a plain walk, whatever was appended and reverted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(), async (steps, seed) => {
      const memory = new MemoryStore();
      const heard: HeadChange[] = [];
      const first = await Chain.open({ blocks: late(memory) });
      first.onHeadChange((changes) => heard.push(...changes));
      const { made, head } = await run(first, steps);
      expect(name(first.head)).toBe(name(head));
      follows(heard, head);
      // The same again over what was kept, with nothing in memory.
      for (const chain of [first, await Chain.open({ blocks: late(memory) })]) {
        expect(name(chain.head)).toBe(name(head));
        const line = lineOf(head);
        for (const one of made)
          expect(await chain.isCanonical(one.tipset)).toBe(line.some((other) => name(other) === name(one)));
        const from = made[seed % made.length] as Made;
        for (const top of [head, from]) {
          await lookUp(chain, top);
          await find(chain, top);
          await draw(chain, top);
        }
        await walk(chain, from, head);
      }
    }),
    { numRuns: 60 },
  );
});

/** What listeners heard leads from nothing to the head, step by step. */
function follows(heard: readonly HeadChange[], head: Made): void {
  const line: string[] = [];
  for (const { type, tipset } of heard) {
    if (type === "revert") expect(line.pop()).toBe(name(tipset));
    else line.push(name(tipset));
  }
  expect(line).toEqual(lineOf(head).map(name));
}

async function lookUp(chain: Chain, top: Made): Promise<void> {
  const line = lineOf(top);
  for (let height = 0; height <= top.tipset.height; height++) {
    const before = line.findLast(({ tipset }) => tipset.height <= height) as Made;
    const after = line.find(({ tipset }) => tipset.height >= height) as Made;
    expect(name(await chain.tipsetAtOrBefore(height, top.tipset))).toBe(name(before));
    expect(name(await chain.tipsetAtOrAfter(height, top.tipset))).toBe(name(after));
  }
}

async function find(chain: Chain, top: Made): Promise<void> {
  const line = lineOf(top);
  const search = new MessageSearch(chain);
  for (let sender = 0; sender < 3; sender++)
    for (let nonce = 0; nonce < 4; nonce++) {
      const wanted = plainMessage(sender, nonce, 0, 0);
      await chain.blocks.write({ blocks: [{ cid: messageCid(wanted).bytes, bytes: encodeMessage(wanted) }] });
      const at = line.findIndex((one) => carried(one).some((other) => rivals(other, wanted)));
      const executing = line[at + 1];
      const options = { lookback: -1, allowReplaced: true };
      const result = await search.find(top.tipset, messageCid(wanted), options).catch((error: unknown) => error);
      if (at < 0 || executing === undefined) {
        expect(result).toBeNull();
        continue;
      }
      const index = carried(line[at] as Made).findIndex((other) => rivals(other, wanted));
      const found = carried(line[at] as Made)[index] as Message;
      if (found.value !== wanted.value) expect(result).toMatchObject({ code: "MESSAGE_REPLACED" });
      else {
        expect(result).toMatchObject({ receipt: { gasUsed: BigInt(index + 1) } });
        const { cid, tipset } = result as { cid: unknown; tipset: Made["tipset"] };
        expect([String(cid), name(tipset)]).toEqual([String(messageCid(found)), name(executing)]);
        const near = { ...options, lookback: top.tipset.height - executing.tipset.height };
        const outside = await search.find(top.tipset, messageCid(wanted), near);
        // Counted from the executing tipset, and that epoch itself is outside; the tipset that is asked never is.
        expect(outside === null).toBe(executing !== top);
      }
    }
}

const rivals = (a: Message, b: Message): boolean => a.nonce === b.nonce && a.from.equals(b.from);

async function draw(chain: Chain, top: Made): Promise<void> {
  const line = lineOf(top);
  const source = randomnessAt(chain, top.tipset, () => 5);
  const later = randomnessAt(chain, top.tipset, () => 13);
  const entropy = utf8("entropy");
  for (let epoch = -1; epoch <= top.tipset.height; epoch++) {
    const at = line.findLastIndex(({ tipset }) => tipset.height <= Math.max(epoch, 0));
    const ticket = line[at]?.tipset.blocks[0]?.ticket as Uint8Array;
    const next = line.find(({ tipset }) => tipset.height >= Math.max(epoch, 0))?.tipset.blocks[0]?.ticket as Uint8Array;
    expect(toHex(await later.ticketRandomness(5, epoch, entropy))).toBe(toHex(drawRandomness(next, 5, epoch, entropy)));
    expect(toHex(await source.ticketRandomness(5, epoch, entropy))).toBe(
      toHex(drawRandomness(ticket, 5, epoch, entropy)),
    );
    const entry = line
      .slice(0, at + 1)
      .findLast(({ tipset }) => tipset.blocks[0]?.beaconEntries.length !== 0)
      ?.tipset.blocks[0]?.beaconEntries.at(-1);
    expect(toHex(await source.beaconRandomness(6, epoch, entropy))).toBe(
      toHex(drawRandomness(entry?.data as Uint8Array, 6, epoch, entropy)),
    );
  }
}

async function walk(chain: Chain, from: Made, to: Made): Promise<void> {
  const { reverts, applies } = await chain.path(from.tipset, to.tipset);
  const line = lineOf(from).map(name);
  for (const tipset of reverts) expect(line.pop()).toBe(name(tipset));
  expect([...line, ...applies.map(name)]).toEqual(lineOf(to).map(name));
}

/** Counts what is read of it. */
class CountingStore extends MemoryStore {
  reads = 0;
  override get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    this.reads++;
    return super.get(cid);
  }
  override metadata(key: string): Promise<Uint8Array | undefined> {
    this.reads++;
    return super.metadata(key);
  }
  override metadataBetween(...given: Parameters<MemoryStore["metadataBetween"]>) {
    this.reads++;
    return super.metadataBetween(...given);
  }
}

test("far epochs are found by the index: neither null rounds nor tipsets between are looked at", async () => {
  const store = new CountingStore();
  const first = await Chain.open({ blocks: store });
  let top = treeTipset(null, 0, [], "g");
  await first.append({ ...top.added, messages: [top.messages] });
  for (let height = 1; height <= 2500; height++) {
    top = treeTipset(top, height, [], "g");
    await first.append({ ...top.added, messages: [top.messages] });
  }
  top = treeTipset(top, 102_500, [], "g");
  await first.append({ ...top.added, messages: [top.messages] });
  const chain = await Chain.open({ blocks: store });
  const fork = treeTipset(top, 102_501, [], "fork");
  await chain.put(fork.added);
  const source = randomnessAt(chain, fork.tipset, () => 5);
  const reads = async (work: () => unknown): Promise<number> => {
    const before = store.reads;
    await work();
    return store.reads - before;
  };
  for (const from of [chain.head, fork.tipset])
    for (const height of [10, 2499, 2600, 102_499]) {
      let found = -1;
      expect(await reads(async () => (found = (await chain.tipsetAtOrBefore(height, from)).height))).toBeLessThan(8);
      expect(found).toBe(Math.min(height, 2500));
      expect(await reads(async () => (found = (await chain.tipsetAtOrAfter(height, from)).height))).toBeLessThan(8);
      expect(found).toBe(height <= 2500 ? height : 102_500);
    }
  expect(await reads(() => source.ticketRandomness(5, 3, utf8("e")))).toBeLessThan(8);
  expect(toHex(await source.ticketRandomness(5, 3, utf8("e")))).toBe(
    toHex(drawRandomness(utf8("ticket g 3"), 5, 3, utf8("e"))),
  );
  expect(toHex(await source.beaconRandomness(5, 5, utf8("e")))).toBe(
    toHex(drawRandomness(utf8("beacon g 4"), 5, 5, utf8("e"))),
  );
});

test("look-ups that run while the head moves answer for the chain before or after, never for a mix", async () => {
  const memory = new MemoryStore();
  const chain = await Chain.open({ blocks: late(memory) });
  const base = treeTipset(null, 0, [], "g");
  await chain.append(base.added);
  const forks: TreeTipset[][] = [];
  for (const label of ["a", "b"]) {
    const line = [base];
    for (let height = 1; height <= 12; height++) {
      const next = treeTipset(line.at(-1) ?? null, height, [plainMessage(0, height, 0, height)], label);
      await chain.put(next.added);
      line.push(next);
    }
    forks.push(line);
  }
  await chain.setHead(forks[0]?.at(-1)?.tipset as never);
  for (let round = 0; round < 30; round++) {
    const from = forks[round % 2] as TreeTipset[];
    const to = forks[(round + 1) % 2] as TreeTipset[];
    const height = 1 + (round % 12);
    const asked = [
      chain.tipsetAtOrBefore(height),
      chain.tipsetAtOrAfter(height),
      chain.locate(plainMessage(0, height)),
      chain.tipsetAtOrBefore(height, from.at(-1)?.tipset),
    ];
    const moved = chain.setHead(to.at(-1)?.tipset as never);
    const [before, after, located, ofFrom] = await Promise.all(asked);
    await moved;
    const [old, fresh] = [name(from[height] as TreeTipset), name(to[height] as TreeTipset)];
    expect([old, fresh]).toContain(name(before as never));
    expect([old, fresh]).toContain(name(after as never));
    expect([old, fresh]).toContain(name(located as never));
    expect(name(ofFrom as never)).toBe(old);
    expect(name(await chain.tipsetAtOrBefore(height))).toBe(fresh);
  }
});
