/** What kind of actor stands at an address, in words: whoever asks about a miner may have named an account. */
import { actorOfCode } from "../params/actor-codes.ts";
import type { CID } from "../types/cid.ts";
import type { ActorEntry } from "./state-view.ts";

const MINER = "storageminer";

/** Actors that there are many of; the others are named. */
const KINDS: Readonly<Record<string, string>> = {
  account: "an account",
  multisig: "a multisig wallet",
  paymentchannel: "a payment channel",
  [MINER]: "a miner",
  evm: "a contract",
  ethaccount: "an account of Ethereum",
  placeholder: "an address that has received something and sent nothing yet",
};

/** "an account", "the actor storagepower". */
function kindText(code: CID): string {
  const name = actorOfCode(code)?.name;
  if (name === undefined) return "an actor of a kind that is not known here";
  return KINDS[name] ?? `the actor ${name}`;
}

export function isMiner({ code }: Pick<ActorEntry, "code">): boolean {
  return actorOfCode(code)?.name === MINER;
}

/** What is told of an address that was given for a miner's. */
export function noMiner(address: string, { code }: Pick<ActorEntry, "code">): string {
  return `${address} is no miner, it is ${kindText(code)}`;
}
