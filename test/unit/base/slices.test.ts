/** Long work in slices: others have their turn when a slice is over, and not before. */
import { afterEach, expect, test, vi } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { Slices } from "../../../src/base/slices.ts";
import { gatherWindows, heldElements } from "../../../src/proving/snark/elements.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("others have no turn before a slice is over, and one then", async () => {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  /** Whether a timer that was set now has gone off. */
  const later = (): { gone: boolean } => {
    const turn = { gone: false };
    setTimeout(() => {
      turn.gone = true;
    }, 0);
    return turn;
  };
  const slices = new Slices();
  for (const time of [0, 3, 7.9]) {
    const turn = later();
    now = time;
    for (let i = 0; i < 100; i++) await slices.pause();
    expect(turn.gone).toBe(false);
  }
  const first = later();
  now = 8;
  await slices.pause();
  expect(first.gone).toBe(true);
  // The next slice begins with the turn.
  const second = later();
  now = 15.9;
  await slices.pause();
  expect(second.gone).toBe(false);
});

test("elements are gathered in slices, one part behind the other", async () => {
  const count = 2 ** 14 + 5;
  const elements = new Uint8Array(32 * count);
  for (let i = 0; i < count; i++) new DataView(elements.buffer).setUint32(32 * i, i);
  const bitmap = new Uint8Array((count + 7) >> 3).fill(0b101);
  const small = elements.slice(0, 64);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => {
    now += 10;
    return now;
  });
  const parts = [
    { elements: heldElements(small), bitmap: Uint8Array.of(0b10) },
    { elements: heldElements(elements), bitmap },
  ];
  const windows: Uint8Array[] = [];
  for await (const window of gatherWindows(parts, 1000)) windows.push(window);
  clearInterval(timer);
  const kept = Array.from({ length: count }, (_, i) => i).filter((i) => i % 8 === 0 || i % 8 === 2);
  expect(windows.map((window) => window.length / 32)).toEqual([1000, 1000, 1000, 1000, kept.length + 1 - 4000]);
  const out = concat(...windows);
  const view = new DataView(out.buffer);
  expect(out.length / 32).toBe(kept.length + 1);
  expect(view.getUint32(0)).toBe(1);
  expect(kept.map((_, i) => view.getUint32(32 * (i + 1)))).toEqual(kept);
  expect(turns).toBeGreaterThan(0);
});
