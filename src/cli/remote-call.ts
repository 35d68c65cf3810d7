/** What commands that ask a node for data have in common. */
import { parseCid } from "../types/cid.ts";
import { UsageError } from "./errors.ts";
import { interruptible } from "./interrupt.ts";
import { Remote, type RemoteOptions } from "./remote.ts";

/** A CID as JSON-RPC spells it. */
export type Link = { readonly "/": string };

/** The link of a CID that a user typed. Throws `UsageError`. */
export function linkOf(text: string): Link {
  try {
    return { "/": `${parseCid(text)}` };
  } catch {
    throw new UsageError(`${text} is no CID`);
  }
}

/** A call that may take as long as it likes; Ctrl-C ends it. */
export async function patientCall<Result>(
  options: RemoteOptions,
  method: string,
  ...params: readonly unknown[]
): Promise<Result> {
  const remote = await Remote.open(options);
  return interruptible((signal) => remote.wait<Result>(method, params, signal));
}
