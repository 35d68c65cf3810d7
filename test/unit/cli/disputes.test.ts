/** Which window PoSts of a miner are tried, and which are told to be wrong. */
import { expect, test } from "vitest";
import { fromBase64 } from "../../../src/base/bytes.ts";
import { type Call, withoutDisputes, wrongPosts } from "../../../src/cli/disputes.ts";

test("each proof that is kept is tried on the node's state; wrong are those whose dispute would go through", async () => {
  const tried: number[][] = [];
  const answers: Readonly<Record<string, (...params: readonly unknown[]) => unknown>> = {
    StateMinerDeadlines: () => [0, 2, 0, 1].map((DisputableProofCount) => ({ DisputableProofCount })),
    StateMinerPartitions: (_, deadline) => Array(deadline === 1 ? 4 : 1).fill({}),
    StateCall(message) {
      const { To, From, Method, Params } = message as Record<string, string>;
      expect([To, From, Method]).toEqual(["t01000", "t0101", 24]);
      const [, deadline, index] = fromBase64(Params as string) as unknown as [number, number, number];
      tried.push([deadline, index]);
      return { MsgRct: { ExitCode: deadline === 1 && index === 3 ? 0 : 16 } };
    },
  };
  const call: Call = async <Result>(method: string, ...params: readonly unknown[]) =>
    answers[method]?.(...params) as Result;
  expect(await wrongPosts(call, "t01000", "t0101")).toEqual({ disputable: 3, wrong: [{ deadline: 1, index: 3 }] });
  // After a dispute there are holes: places beyond the count are tried, too.
  expect(tried).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
    [1, 3],
    [3, 0],
  ]);
});

test("where proofs are verified at once it is told from which version on there are disputes", () => {
  expect(withoutDisputes(9)).toMatch(/at network version 9 .* from version 10 on, on local networks from \d+ on/);
  expect([10, 17, 28, 99].map(withoutDisputes)).toEqual([null, null, null, null]);
});
