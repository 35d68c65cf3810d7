/** Who sends a miner's message: the first of those who may that has a key here and can pay. Source: lotus v1.2.0 storage/addresses.go. */
import type { Address } from "../../types/address.ts";
import type { MinerCall, SenderRole } from "./calls.ts";
import type { MinerChain, MinerFacts } from "./chain.ts";
import { MinerError } from "./errors.ts";

/** Throws `MinerError` NO_SENDER, naming what each of them lacks. */
export async function senderFor(chain: MinerChain, call: MinerCall): Promise<Address> {
  const facts = await chain.facts();
  const lacks: string[] = [];
  for (const role of call.by)
    for (const address of withRole(facts, role)) {
      const name = `${role} ${address.toString(chain.prefix)}`;
      if (!(await chain.canSign(address))) lacks.push(`${name} has no key here`);
      else if ((await chain.balanceOf(address)) < call.value + call.maxFee) lacks.push(`${name} has too little`);
      else return address;
    }
  const miner = chain.miner.toString(chain.prefix);
  throw new MinerError(
    { code: "NO_SENDER", miner, method: call.name },
    `nobody can send ${call.name} of ${miner} (${call.value + call.maxFee} attoFIL with its gas): ${lacks.join("; ")}`,
  );
}

function withRole(facts: MinerFacts, role: SenderRole): readonly Address[] {
  if (role === "owner") return [facts.owner];
  if (role === "worker") return [facts.worker];
  if (role === "control") return facts.controls;
  return facts.pendingOwner === null ? [] : [facts.pendingOwner];
}
