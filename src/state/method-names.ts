/**
 * Names of methods whose data nothing here describes: those of actors that are published alone, and exported ones (FRC-0042), whose
 * numbers their names give, of whatever actor: accounts and contracts take any.
 * Source: builtin-actors v10.0.0, enum Method of evm, eam, ethaccount, placeholder, init, account; names as go-state-types has them.
 */
import { EXPORTED } from "../schema/published/exported.ts";
import { METHOD_INVOKE_EVM } from "../types/eth-transaction.ts";
import { methodNumber } from "../types/method-number.ts";

/** By actor. */
const NUMBERED: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  evm: {
    ...{ 1: "Constructor", 2: "Resurrect", 3: "GetBytecode", 4: "GetBytecodeHash", 5: "GetStorageAt" },
    6: "InvokeContractDelegate",
  },
  eam: { 1: "Constructor", 2: "Create", 3: "Create2", 4: "CreateExternal" },
  ethaccount: { 1: "Constructor" },
  placeholder: { 1: "Constructor" },
  init: { 3: "Exec4" },
};

let byNumber: ReadonlyMap<bigint, string> | undefined;

function exportedNames(): ReadonlyMap<bigint, string> {
  byNumber ??= new Map([
    ...Object.entries(EXPORTED).map(([name, number]) => [BigInt(number), `${name}Exported`] as const),
    [methodNumber("Receive"), "UniversalReceiverHook"],
    [methodNumber("AuthenticateMessage"), "AuthenticateMessageExported"],
    [METHOD_INVOKE_EVM, "InvokeContract"],
  ]);
  return byNumber;
}

/** Null where a number has no name. `actor`: the receiver's, as the manifest has it; null if it is not known. */
export function undescribedMethod(actor: string | null, method: bigint): string | null {
  const exported = exportedNames().get(method);
  if (exported !== undefined) return exported;
  return (actor === null ? undefined : NUMBERED[actor]?.[Number(method)]) ?? null;
}
