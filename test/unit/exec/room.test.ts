/** A worker that finds no room for a module's memory: the thread that wants the work makes room, and asks once more. */
import { afterEach, expect, test, vi } from "vitest";
import { platform } from "#platform";
import { EngineFault } from "../../../src/core/errors.ts";
import { Instance } from "../../../src/core/instance.ts";
import { isNoRoom } from "../../../src/core/room.ts";
import { channelsWork } from "../../../src/exec/channel.ts";
import { type Run, Slot } from "../../../src/exec/slot.ts";
import type { MachineMessage } from "../../../src/exec/wire.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { NO_PROOFS, NO_RANDOMNESS } from "../../support/plain-state.ts";

const NO_ROOM = { failure: { name: "EngineFault", message: "no room", data: { code: "HOST_MEMORY" } } };
const VOID = { failure: { name: "EngineFault", message: "void", data: { code: "RUN_VOID", why: "it is a test" } } };
const { Memory } = WebAssembly;
/** Memories that no page has room for. */
const MOST = 20_000;

afterEach(() => {
  vi.restoreAllMocks();
  WebAssembly.Memory = Memory;
});

/** A slot whose worker gives these answers, the last one from then on; memories made in this thread are counted. */
function slotWith(...answers: readonly unknown[]) {
  const seen: { readonly messages: unknown[]; memories: number } = { messages: [], memories: 0 };
  vi.spyOn(platform, "openPool").mockReturnValue({
    size: 1,
    run: async (message) => answers[Math.min(seen.messages.push(message), answers.length) - 1],
    killOne: async () => false,
    close: async () => undefined,
  });
  WebAssembly.Memory = class extends Memory {
    constructor(described: WebAssembly.MemoryDescriptor) {
      seen.memories++;
      super(described);
    }
  };
  return { slot: new Slot(channelsWork()), seen };
}

const run = {
  job: { kind: "tipset" },
  configuration: { number: 1, options: {} },
  world: 0,
  parts: { blocks: new MemoryStore(), randomness: NO_RANDOMNESS, proofs: NO_PROOFS },
  options: {},
} as unknown as Run;

test("a signature and verdicts come from the second time", async () => {
  const { slot, seen } = slotWith(NO_ROOM, { result: [true] }, NO_ROOM, { result: Uint8Array.of(7) });
  expect(await slot.verify([])).toEqual([true]);
  expect([seen.messages.length, seen.memories]).toEqual([2, 1]);
  expect(await slot.sign({ secret: new Uint8Array(32), message: new Uint8Array(1) })).toEqual(Uint8Array.of(7));
  expect([seen.messages.length, seen.memories]).toEqual([4, 2]);
  await slot.close();
});

test("a run is sent again whole, over the channel that its worker has", async () => {
  const { slot, seen } = slotWith(NO_ROOM, VOID);
  await expect(slot.run(run)).rejects.toMatchObject({ data: { code: "RUN_VOID" } });
  expect([seen.messages.length, seen.memories]).toEqual([2, 1]);
  const [first, second] = seen.messages as readonly MachineMessage[];
  expect(first?.newChannel !== undefined).toBe(channelsWork());
  expect(second?.newChannel).toBeUndefined();
  expect(second?.channel).toBe(first?.channel);
  await slot.close();
});

test("whoever finds no room twice is told, and other faults are not tried again", async () => {
  const full = slotWith(NO_ROOM);
  await expect(full.slot.verify([])).rejects.toMatchObject({ data: { code: "HOST_MEMORY" } });
  expect(full.seen.messages.length).toBe(2);
  await expect(full.slot.run(run)).rejects.toMatchObject({ data: { code: "HOST_MEMORY" } });
  expect([full.seen.messages.length, full.seen.memories]).toEqual([4, 2]);
  await full.slot.close();
  const other = slotWith(VOID);
  await expect(other.slot.run(run)).rejects.toBeInstanceOf(EngineFault);
  expect([other.seen.messages.length, other.seen.memories]).toEqual([1, 0]);
  await other.slot.close();
});

test("a memory for which there is no room is a fault of its own, not one of the module", async () => {
  // (module (import "env" "memory" (memory 1)))
  const module = new WebAssembly.Module(
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 2, 15, 1, 3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 0, 1),
  );
  WebAssembly.Memory = class extends Memory {
    constructor(described: WebAssembly.MemoryDescriptor) {
      super(described);
      throw new RangeError("WebAssembly.Memory(): could not allocate memory");
    }
  };
  const failing = Instance.create(module, { name: "small.wasm" });
  await expect(failing).rejects.toMatchObject({ data: { code: "HOST_MEMORY" }, message: /no room .* small\.wasm/ });
});

test.skipIf(platform.environment !== "browser")(
  "a page that has dropped all the memories that there is room for has its workers work all the same",
  async () => {
    let held: WebAssembly.Memory[] | null = [];
    let refusal: unknown = null;
    for (let i = 0; i < MOST && refusal === null; i++)
      try {
        held.push(new WebAssembly.Memory({ initial: 1, maximum: 65536 }));
      } catch (error) {
        refusal = error;
      }
    expect(isNoRoom(refusal)).toBe(true);
    held = null;
    const slot = new Slot(false);
    const secret = new Uint8Array(32).fill(1);
    expect((await slot.sign({ secret, message: new Uint8Array(1) })).length).toBe(96);
    await slot.close();
  },
);
