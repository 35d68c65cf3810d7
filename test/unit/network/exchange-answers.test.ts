/** What is told of a question that no peer answered well: how many were asked, and what the last of them said. */
import { expect, test } from "vitest";
import { askInTurn, checkResponse } from "../../../src/network/exchange-client.ts";
import { EXCHANGE_STATUS } from "../../../src/network/wire/exchange.ts";

const signal = new AbortController().signal;

test("the last peer's reason is told, in one line, cut where it is long", async () => {
  const said = ["busy", `messages not found\u001b[2J\nhead is fine ${"x".repeat(8000)}`];
  const asked: string[] = [];
  const question = askInTurn(["a", "b"], "b", signal, async (peer) => {
    asked.push(peer);
    const errorMessage = said[peer === "a" ? 1 : 0] as string;
    const request = { head: [], length: 1, headers: true, messages: true };
    return checkResponse(peer, request, { status: EXCHANGE_STATUS.notFound, errorMessage, chain: [] });
  });
  const error = await question.then(
    () => null,
    (thrown: Error) => thrown,
  );
  expect(asked).toEqual(["b", "a"]);
  expect(error?.message).toMatch(
    /^none of 2 peers gave the chain; the last answer: peer a: status 201, "messages not found\ufffd\[2J\ufffdhead is fine x+…"$/,
  );
  expect(error?.message.length).toBeLessThan(320);
});

test("of one peer it is told what that one failed of, whatever was thrown", async () => {
  const question = askInTurn(["a"], undefined, signal, async () => {
    throw new Error("the stream was reset");
  });
  await expect(question).rejects.toThrow(
    "the one peer at hand did not give the chain; the last answer: the stream was reset",
  );
});
