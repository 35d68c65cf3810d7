/** What an answer of traces may have. */
import { expect, test } from "vitest";
import { TraceRoom, Tracer } from "../../../../src/rpc/eth/traces.ts";

test("calls that hand on the same megabytes again and again are too much for an answer", () => {
  const bytes = new Uint8Array(0);
  const receiver = { id: 1000n, code: bytes, head: bytes, nonce: 0n, balance: 0n, delegated: null };
  const fvm = { paramsCodec: 0x55, returnCodec: 0, gasLimit: 1, gasBefore: 0, readOnly: false, receiver };
  const call = (size: number, ...steps: object[]) => ({
    ...{ from: bytes, to: bytes, value: 0n, method: 5n, params: new Uint8Array(size), return: bytes },
    ...{ steps: steps as never[], exitCode: 0, gasUsed: 1, why: "", fvm },
  });
  const tell = (characters: number, ...inner: object[]): number => {
    const tracer = new Tracer(Uint8Array.of(1), new TraceRoom(characters));
    tracer.tell({ caller: "0x00", isEvm: false, count: 0, lastCode: null }, [], call(512, ...inner));
    return tracer.traces.length;
  };
  // "0x", selector, three words and the length, 512 bytes; and what was returned, nothing, as three words and a length.
  const one = 2 + 2 * (4 + 4 * 32 + 512) + 2 + 2 * (4 * 32);
  expect(tell(2 * one, call(512))).toBe(2);
  expect(() => tell(2 * one, call(512), call(0))).toThrow(/more input and output/);
});
