/** Messages by intention: sent once, whatever happens between the disk and the pool. */
import { beforeEach, describe, expect, test } from "vitest";
import type { MinerChain, Outcome } from "../../../../src/miner/chain-side/chain.ts";
import { MinerError } from "../../../../src/miner/chain-side/errors.ts";
import { minerMessages } from "../../../../src/miner/chain-side/messages.ts";
import { MessageTracker } from "../../../../src/miner/chain-side/tracker.ts";
import { MemoryStore } from "../../../../src/storage/memory.ts";
import { Address } from "../../../../src/types/address.ts";
import { type SignedMessage, signedMessageCid } from "../../../../src/types/message.ts";

const MINER = Address.id(1000);
const WORKER = Address.id(101);
const calls = minerMessages(MINER, 5, "t");

/** A chain that a test moves by hand: only what a tracker asks of it. */
class ToldChain {
  readonly miner = MINER;
  readonly prefix = "t" as const;
  height = 10;
  readonly pool: SignedMessage[] = [];
  readonly needed: number[] = [];
  result: Outcome = { kind: "open" };
  /** What happens when a message that was kept goes into the pool. */
  enter: (signed: SignedMessage) => void = (signed) => void this.pool.push(signed);
  private readonly listeners = new Set<() => void>();

  move(height: number, result: Outcome = this.result): void {
    this.height = height;
    this.result = result;
    for (const listener of [...this.listeners]) listener();
  }
  head = async () => ({ key: [], height: this.height, networkVersion: 5 });
  onHeadChange = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  need = (epoch: number): void => void this.needed.push(epoch);
  facts = async () => ({ owner: Address.id(100), worker: WORKER, controls: [], pendingOwner: null });
  canSign = async (address: Address) => address.equals(WORKER);
  balanceOf = async () => 10n ** 18n;
  send = async (
    message: Pick<SignedMessage["message"], "to" | "from" | "value" | "method" | "params">,
    _: unknown,
    keep: (signed: SignedMessage) => Promise<void>,
  ) => {
    const gas = { gasLimit: 1000n, gasFeeCap: 100n, gasPremium: 10n };
    const signed = { message: { ...message, ...gas, nonce: BigInt(this.pool.length) }, signature: SIGNATURE };
    await keep(signed);
    this.enter(signed);
    return signed;
  };
  resend = async (signed: SignedMessage) => {
    if (!this.pool.some((one) => `${signedMessageCid(one)}` === `${signedMessageCid(signed)}`)) this.pool.push(signed);
  };
  raise = async (
    { message }: SignedMessage,
    { maxFee }: { maxFee: bigint },
    keep: (signed: SignedMessage) => Promise<void>,
  ) => {
    const gasFeeCap = 2n * message.gasFeeCap;
    if (gasFeeCap * message.gasLimit > maxFee) return null;
    const signed = { message: { ...message, gasFeeCap }, signature: SIGNATURE };
    await keep(signed);
    this.enter(signed);
    return signed;
  };
  outcome = async () => this.result;
}
const SIGNATURE = { type: 2, data: new Uint8Array(96) };
const RECEIPT = { exitCode: 0, return: Uint8Array.of(1, 2), gasUsed: 77n };

let chain: ToldChain;
let store: MemoryStore;
const open = () => new MessageTracker(chain as unknown as MinerChain, store);
const call = calls.proveCommit(7, Uint8Array.of(1), 0n);

beforeEach(() => {
  chain = new ToldChain();
  store = new MemoryStore();
});

describe("one intention, one message", () => {
  test("sent twice, also by another process, it is the same message", async () => {
    const tracker = open();
    const [first, second] = await Promise.all([tracker.send("commit/7", call), tracker.send("commit/7", call)]);
    const third = await open().send("commit/7", calls.proveCommit(7, Uint8Array.of(2), 0n));
    expect([`${second}`, `${third}`]).toEqual([`${first}`, `${first}`]);
    expect(chain.pool).toHaveLength(1);
    expect(chain.pool[0]?.message.from).toEqual(WORKER);
  });

  test("killed between disk and pool, the next process sends what was signed", async () => {
    chain.enter = () => {
      throw new Error("killed");
    };
    await expect(open().send("commit/7", call)).rejects.toThrow("killed");
    expect(chain.pool).toHaveLength(0);
    const later = open();
    const kept = await later.find("commit/7");
    const cid = await later.send("commit/7", call);
    expect(`${cid}`).toBe(`${signedMessageCid(kept?.signed as SignedMessage)}`);
    expect(chain.pool.map((one) => `${signedMessageCid(one)}`)).toEqual([`${cid}`]);
  });

  test("what the pool refuses is no intention", async () => {
    chain.enter = () => {
      throw new MinerError({ code: "REFUSED", method: "7" }, "not enough funds");
    };
    await expect(open().send("commit/7", call)).rejects.toThrow("not enough funds");
    expect(await open().find("commit/7")).toBeNull();
  });

  test("nobody with a key: what each lacks is said, and nothing is kept", async () => {
    chain.canSign = async () => false;
    await expect(open().send("commit/7", call)).rejects.toThrow(/worker t0101 has no key here; owner t0100 has no key/);
    expect(await open().find("commit/7")).toBeNull();
  });

  test("a record that cannot be read is an error and no second message", async () => {
    await store.write({ metadata: [["miner/1000/message/commit/7", Uint8Array.of(1, 2, 3)]] });
    await expect(open().send("commit/7", call)).rejects.toMatchObject({ data: { code: "BAD_RECORD" } });
    expect(chain.pool).toHaveLength(0);
  });
});

describe("waiting", () => {
  test("ends when the message is deep enough, and what a finality is on top of is known from then on", async () => {
    const tracker = open();
    const cid = await tracker.send("commit/7", call);
    const waiting = tracker.wait("commit/7", 3);
    const executed: Outcome = { kind: "executed", cid, receipt: RECEIPT, height: 12 };
    for (const height of [11, 12, 13, 14, 15]) {
      await settle();
      chain.move(height, height < 12 ? { kind: "open" } : executed);
    }
    expect(await waiting).toEqual({ cid, receipt: RECEIPT, height: 12 });
    expect(chain.needed).toContain(15);
    chain.move(12 + 900, { kind: "open" });
    expect(await open().wait("commit/7", 3)).toEqual({ cid, receipt: RECEIPT, height: 12 });
    chain.move(11 + 900);
    expect(await open().check("commit/7", 3)).toBeNull();
  });

  test("a fork deeper than what was waited for takes it back: it goes out again, or is made anew, and counts where it is executed then", async () => {
    const tracker = open();
    const cid = await tracker.send("commit/7", call);
    const at = (height: number): Outcome => ({ kind: "executed", cid, receipt: RECEIPT, height });
    chain.move(17, at(12));
    expect((await tracker.check("commit/7", 5))?.height).toBe(12);
    chain.pool.length = 0;
    chain.move(18, { kind: "open" });
    expect(await tracker.check("commit/7", 5)).toBeNull();
    expect((await open().find("commit/7"))?.executed).toBeNull();
    expect(chain.pool.map((one) => `${signedMessageCid(one)}`)).toEqual([`${cid}`]);
    chain.move(24, at(20));
    expect(await tracker.check("commit/7", 5)).toBeNull();
    chain.move(25);
    expect((await tracker.check("commit/7", 5))?.height).toBe(20);
    // Another message of its sender has its nonce on the next fork.
    chain.move(26, { kind: "displaced" });
    expect(await tracker.check("commit/7", 5)).toBeNull();
    chain.move(31);
    expect(await tracker.check("commit/7", 5)).toBeNull();
    expect(chain.pool.map(({ message }) => message.nonce)).toEqual([0n, 1n]);
  });

  test("a reorganisation takes it back, and it goes out again", async () => {
    const tracker = open();
    const cid = await tracker.send("commit/7", call);
    const waiting = tracker.wait("commit/7", 5);
    const at = (height: number): Outcome => ({ kind: "executed", cid, receipt: RECEIPT, height });
    await settle();
    chain.move(12, at(12));
    await settle();
    chain.pool.length = 0;
    chain.move(16, { kind: "open" });
    await settle();
    expect(chain.pool.map((one) => `${signedMessageCid(one)}`)).toEqual([`${cid}`]);
    chain.move(19, at(18));
    await settle();
    chain.move(23);
    expect((await waiting).height).toBe(18);
  });

  test("after ten epochs a higher fee replaces it, as far as its limit goes", async () => {
    const tracker = open();
    await tracker.send("commit/7", { ...call, maxFee: 200_000n });
    const ended = new AbortController();
    const waiting = tracker.wait("commit/7", 3, ended.signal);
    for (const height of [19, 20, 25, 30, 40]) {
      await settle();
      chain.move(height);
    }
    await settle();
    expect(chain.pool.map(({ message }) => message.gasFeeCap)).toEqual([100n, 200n]);
    expect((await tracker.find("commit/7"))?.signed.message.gasFeeCap).toBe(200n);
    ended.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("a nonce that another message took is chosen anew once that is deep enough", async () => {
    const tracker = open();
    await tracker.send("commit/7", call);
    const waiting = tracker.wait("commit/7", 3);
    await settle();
    chain.move(11, { kind: "displaced" });
    await settle();
    chain.move(13);
    await settle();
    expect(chain.pool).toHaveLength(1);
    chain.move(14);
    await settle();
    expect(chain.pool.map(({ message }) => message.nonce)).toEqual([0n, 1n]);
    const cid = signedMessageCid(chain.pool[1] as SignedMessage);
    chain.move(15, { kind: "executed", cid, receipt: RECEIPT, height: 15 });
    await settle();
    chain.move(18);
    expect(`${(await waiting).cid}`).toBe(`${cid}`);
  });

  test("the message in the place of a displaced one is refused: what is kept stays, and it is tried again", async () => {
    const tracker = open();
    await tracker.send("commit/7", call);
    const known = await tracker.find("commit/7");
    await tracker.check("commit/7", 3);
    chain.move(11, { kind: "displaced" });
    await tracker.check("commit/7", 3);
    chain.enter = () => {
      throw new MinerError({ code: "REFUSED", method: "7" }, "the pool is full");
    };
    chain.move(14);
    await expect(tracker.check("commit/7", 3)).rejects.toThrow("the pool is full");
    expect(await tracker.find("commit/7")).toEqual(known);
    chain.enter = (signed) => void chain.pool.push(signed);
    for (const height of [15, 18]) {
      chain.move(height);
      expect(await tracker.check("commit/7", 3)).toBeNull();
    }
    expect(chain.pool.map(({ message }) => message.nonce)).toEqual([0n, 1n]);
  });

  test("for what was never sent is an error", async () => {
    await expect(open().wait("commit/8", 0)).rejects.toMatchObject({ data: { code: "UNKNOWN_INTENTION" } });
  });

  test("what is forgotten can be sent anew", async () => {
    const tracker = open();
    await tracker.send("commit/7", call);
    await tracker.forget("commit/7");
    await tracker.send("commit/7", call);
    expect(chain.pool.map(({ message }) => message.nonce)).toEqual([0n, 1n]);
  });
});

/** Lets promises that are ready go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
}
