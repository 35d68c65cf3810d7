/** Numbers of methods by their names, against numbers in use on the network. */
import { expect, test } from "vitest";
import { MethodNameError, methodNumber } from "../../../src/types/method-number.ts";

// The last four are those of the tests of the macro that the network's actors are built with.
test.each([
  ["Constructor", 1n],
  ["Receive", 3726118371n],
  ["AuthenticateMessage", 2643134072n],
  ["InvokeEVM", 3844450837n],
  ["CreateExternal", 1214262202n],
  ["Method", 0xa20642fcn],
  ["_Method", 0xeb9575aan],
  ["Name", 0x02ea015cn],
  ["Symbol", 0x7adab63en],
])("%s is method %s", (name, number) => {
  expect(methodNumber(name)).toBe(number);
});

test.each(["", "receive", "1Receive", "Re ceive", "Receive!", "Réceive"])("%j is no name", (name) => {
  expect(() => methodNumber(name)).toThrow(MethodNameError);
});
