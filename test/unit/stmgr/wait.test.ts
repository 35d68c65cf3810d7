import { beforeEach, describe, expect, test } from "vitest";
import { Chain } from "../../../src/chain/chain.ts";
import { MessageSearch } from "../../../src/stmgr/message-search.ts";
import { MessageWaiter, type WaitOptions } from "../../../src/stmgr/message-waiter.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { CID } from "../../../src/types/cid.ts";
import { type Message, messageCid, SIGNATURE_TYPE } from "../../../src/types/message.ts";
import { plainMessage, type TreeTipset, treeTipset } from "../../support/header-tree.ts";

let chain: Chain;
let waiter: MessageWaiter;
let top: TreeTipset;
let reads = 0;

class CountingStore extends MemoryStore {
  override metadata(name: string): Promise<Uint8Array | undefined> {
    reads++;
    return super.metadata(name);
  }
}

beforeEach(async () => {
  chain = await Chain.open({ blocks: new CountingStore() });
  waiter = new MessageWaiter(chain, new MessageSearch(chain));
  top = treeTipset(null, 0, [], "genesis");
  await chain.append(top.added);
  await mine(1);
});

/** Appends a tipset at `height` on `parent`, the head's by default. */
async function mine(height: number, carries: readonly Message[] = [], parent = top, label = ""): Promise<TreeTipset> {
  top = treeTipset(parent, height, carries, label);
  await chain.append(top.added);
  return top;
}

async function known(message: Message): Promise<CID> {
  await chain.remember([{ message, signature: { type: SIGNATURE_TYPE.bls, data: new Uint8Array(96) } }]);
  return messageCid(message);
}

/** What became of a wait so far: "waiting", the epoch of the executing tipset and the message found, or an error code. */
function watch(cid: CID, options: Partial<WaitOptions> = {}): { state: unknown } {
  const seen: { state: unknown } = { state: "waiting" };
  waiter.wait(cid, { confidence: 0, lookback: -1, allowReplaced: true, ...options }).then(
    (found) => {
      seen.state = [found.tipset.height, String(found.cid)];
    },
    (error: { code?: string }) => {
      seen.state = error.code ?? error;
    },
  );
  return seen;
}

/** Lets everything that has been asked for happen. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("a wait", () => {
  test("for a message that nobody knows fails at once", async () => {
    const seen = watch(messageCid(plainMessage(0, 7)));
    await settle();
    expect(seen.state).toBe("MESSAGE_UNKNOWN");
    expect(waiter.size).toBe(0);
  });

  test("for a message that the head carries lasts until the next tipset has executed it", async () => {
    const message = plainMessage(0, 0);
    await mine(2, [message]);
    const seen = watch(messageCid(message));
    await settle();
    expect(seen.state).toBe("waiting");
    await mine(5);
    await settle();
    expect(seen.state).toEqual([5, String(messageCid(message))]);
    expect(waiter.size).toBe(0);
  });

  test("counts confidence in epochs from the executing tipset, null rounds among them", async () => {
    const message = plainMessage(0, 0);
    const wanted: number[] = [];
    waiter.onDemand((height) => wanted.push(height));
    const seen = watch(await known(message), { confidence: 3 });
    await mine(2, [message]);
    await mine(4);
    await mine(6);
    await settle();
    expect([seen.state, wanted]).toEqual(["waiting", [7]]);
    await mine(9);
    await settle();
    expect(seen.state).toEqual([4, String(messageCid(message))]);
  });

  test("for a message that was executed long ago ends at once, if it is deep enough", async () => {
    const message = plainMessage(0, 0);
    await mine(2, [message]);
    await mine(3);
    await mine(10);
    const deep = watch(messageCid(message), { confidence: 7 });
    const deeper = watch(messageCid(message), { confidence: 8 });
    await settle();
    expect([deep.state, deeper.state]).toEqual([[3, String(messageCid(message))], "waiting"]);
  });

  test("starts again when the tipset that executed its message is reverted", async () => {
    const message = plainMessage(0, 0);
    const base = top;
    const seen = watch(await known(message), { confidence: 4 });
    await mine(2, [message]);
    await mine(3);
    await settle();
    const fork = await mine(2, [], base, "other");
    await mine(8, [], fork, "other");
    await settle();
    expect(seen.state).toBe("waiting");
    await mine(9, [message]);
    await mine(10);
    await mine(13);
    await settle();
    expect(seen.state).toBe("waiting");
    await mine(14);
    await settle();
    expect(seen.state).toEqual([10, String(messageCid(message))]);
  });

  test("finds what replaced its message, unless it was told not to", async () => {
    const [message, dearer, other] = [plainMessage(0, 0), plainMessage(0, 0, 0, 2), plainMessage(0, 0, 5)];
    const cid = await known(message);
    const [replaced, strict] = [watch(cid), watch(cid, { allowReplaced: false })];
    await mine(2, [dearer]);
    await mine(3);
    await settle();
    expect([replaced.state, strict.state]).toEqual([[3, String(messageCid(dearer))], "MESSAGE_REPLACED"]);
    const wrong = watch(await known(other));
    await settle();
    expect(wrong.state).toBe("MESSAGE_REPLACED");
  });

  test("looks back no further than it is told: the executing tipset counts", async () => {
    const message = plainMessage(0, 0);
    await mine(2, [message]);
    await mine(4);
    await mine(8);
    const near = watch(messageCid(message), { lookback: 5 });
    const far = watch(messageCid(message), { lookback: 4 });
    await settle();
    expect([near.state, far.state]).toEqual([[4, String(messageCid(message))], "waiting"]);
  });

  test("ends with its signal, and with the node", async () => {
    const controller = new AbortController();
    const cid = await known(plainMessage(0, 0));
    const aborted = watch(cid, { signal: controller.signal });
    const closed = watch(cid);
    await settle();
    expect(waiter.size).toBe(2);
    controller.abort({ code: "GONE" });
    await settle();
    expect([aborted.state, closed.state, waiter.size]).toEqual(["GONE", "waiting", 1]);
    waiter.close();
    await settle();
    expect([closed.state, waiter.size]).toEqual(["CLOSED", 0]);
  });

  test("is refused when it wants more confidence than there is finality", async () => {
    const seen = watch(await known(plainMessage(0, 0)), { confidence: 901 });
    await settle();
    expect(seen.state).toBe("CONFIDENCE_TOO_HIGH");
  });
});

test("waits cost a chain nothing until their message appears", async () => {
  for (let height = 2; height < 400; height++) await mine(height);
  const cost = async (height: number): Promise<number> => {
    const before = reads;
    await mine(height, [plainMessage(1, height)]);
    await settle();
    return reads - before;
  };
  const alone = await cost(400);
  const cids = await Promise.all(Array.from({ length: 50 }, (_, i) => known(plainMessage(0, i))));
  const seen = cids.map((cid) => watch(cid));
  await settle();
  expect(await cost(401)).toBe(alone);
  await mine(402, [plainMessage(0, 7)]);
  await mine(403);
  await settle();
  expect(seen.map(({ state }, i) => (state === "waiting" ? -1 : i)).filter((i) => i >= 0)).toEqual([7]);
});
