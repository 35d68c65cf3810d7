/** Methods by name, wherever messages are shown: those of actors that nothing describes, and exported ones. */
import { expect, test } from "vitest";
import { actorBundles } from "../../../src/params/actor-codes.ts";
import { undescribedMethod } from "../../../src/state/method-names.ts";
import { methodText } from "../../../src/state/words.ts";
import { type CID, cidOfText } from "../../../src/types/cid.ts";
import { methodNumber } from "../../../src/types/method-number.ts";

function codeOf(actor: string): CID {
  const bundle = actorBundles().find(({ name, actorsVersion }) => name === "devnet" && actorsVersion === 18);
  return bundle?.codes.get(actor) as CID;
}

test("calls of contracts, deployments and calls of accounts have names", () => {
  const invoke = methodNumber("InvokeEVM");
  expect(methodText(codeOf("evm"), invoke)).toBe("evm.InvokeContract");
  expect(methodText(codeOf("account"), invoke)).toBe("account.InvokeContract");
  expect(methodText(codeOf("placeholder"), invoke)).toBe("placeholder.InvokeContract");
  expect(methodText(codeOf("eam"), 4n)).toBe("eam.CreateExternal");
  expect(methodText(codeOf("init"), 3n)).toBe("init.Exec4");
  expect(methodText(codeOf("account"), methodNumber("AuthenticateMessage"))).toBe(
    "account.AuthenticateMessageExported",
  );
  expect(methodText(codeOf("multisig"), methodNumber("Receive"))).toBe("multisig.UniversalReceiverHook");
  // Described ones as before.
  expect(methodText(codeOf("storagemarket"), methodNumber("AddBalance"))).toBe("storagemarket.AddBalanceExported");
  expect(methodText(codeOf("evm"), 0n)).toBe("Send");
});

test("what has no name, or is nobody's yet, is a number, and the native actors export nothing", () => {
  expect(methodText(null, methodNumber("InvokeEVM"))).toBe("InvokeContract");
  expect(methodText(null, 4n)).toBe("method 4");
  expect(methodText(codeOf("evm"), 77n)).toBe("method 77");
  expect(methodText(cidOfText("fil/2/account"), methodNumber("InvokeEVM"))).toBe(`method ${methodNumber("InvokeEVM")}`);
  expect(undescribedMethod("evm", 2n ** 63n)).toBeNull();
});
