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
      if (!["get", "has", "fact", "facts", "factsBetween", "write"].includes(String(name))) return value.bind(target);
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

const name = (one: Made | TreeTipset["tipset"]): string => tipsetKeyText("tipset" in one ? one.tipset.key : one.key);

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
  const source = randomnessAt(chain, top.tipset);
  const entropy = utf8("entropy");
  for (let epoch = -1; epoch <= top.tipset.height; epoch++) {
    const at = line.findLastIndex(({ tipset }) => tipset.height <= Math.max(epoch, 0));
    const ticket = line[at]?.tipset.blocks[0]?.ticket as Uint8Array;
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
