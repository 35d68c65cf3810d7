/** What the pool keeps, in a chain's store. */
import { expect, test } from "vitest";
import { Chain } from "../../../src/chain/chain.ts";
import { PoolStore } from "../../../src/mpool/kept-messages.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { SIGNATURE_TYPE, type SignedMessage, signedMessageCid } from "../../../src/types/message.ts";
import { plainMessage } from "../../support/header-tree.ts";

class CountingStore extends MemoryStore {
  writes = 0;
  override write(...args: Parameters<MemoryStore["write"]>): Promise<void> {
    this.writes++;
    return super.write(...args);
  }
}

const signedOf = (type: number, nonce: number): SignedMessage => ({
  message: plainMessage(0, nonce),
  signature: { type, data: new Uint8Array(type === SIGNATURE_TYPE.bls ? 96 : 65).fill(7) },
});

const text = (messages: readonly SignedMessage[]): string[] => messages.map((one) => `${signedMessageCid(one)}`).sort();

test("messages of both kinds are there again as they were sent; those of others, and removed ones, are not", async () => {
  const blocks = new CountingStore();
  const open = async (): Promise<PoolStore> => new PoolStore(blocks, await Chain.open({ blocks }));
  const [secp, bls, gone, foreign] = [1, 2, 1, 2].map((type, nonce) => signedOf(type, nonce)) as [
    SignedMessage,
    SignedMessage,
    SignedMessage,
    SignedMessage,
  ];
  const store = await open();
  for (const one of [secp, bls, gone]) {
    const before = blocks.writes;
    await store.add(one);
    expect(blocks.writes).toBe(before + 1);
  }
  await store.remember(foreign);
  await store.remove([signedMessageCid(gone)]);
  const { messages, unreadable } = await (await open()).all();
  expect(unreadable).toEqual([]);
  expect(text(messages)).toEqual(text([secp, bls]));
  expect(messages).toEqual(expect.arrayContaining([secp, bls]));
});

test("one whose block is gone is named, and the others are there", async () => {
  const blocks = new MemoryStore();
  const store = new PoolStore(blocks, await Chain.open({ blocks }));
  const [here, lost] = [signedOf(1, 0), signedOf(1, 1)] as const;
  await store.add(here);
  await store.add(lost);
  await blocks.write({ removed: [signedMessageCid(lost).bytes] });
  const found = await new PoolStore(blocks, await Chain.open({ blocks })).all();
  expect(found.messages).toEqual([here]);
  expect(found.unreadable.map(({ cid }) => `${cid}`)).toEqual([`${signedMessageCid(lost)}`]);
});
