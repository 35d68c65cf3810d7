/** Search by anything: an epoch, an address of either kind, a CID, a hash of a transaction. */
import { ask } from "./node.ts";
import { go } from "./route.ts";

const EPOCH = /^\d{1,12}$/;
const ADDRESS = /^[ft][0-4][0-9a-z]{1,110}$/i;
const ETH_ADDRESS = /^0x[0-9a-f]{40}$/i;
const ETH_HASH = /^0x[0-9a-f]{64}$/i;
const CID = /^(b[a-z2-7]{20,200}|z[1-9A-Za-z]{20,200}|Qm[1-9A-Za-z]{44})$/;

/** Goes where `text` leads; throws `Error` with what was expected. */
export async function search(text: string): Promise<void> {
  const wanted = text.trim();
  if (EPOCH.test(wanted)) return go("tipset", wanted);
  if (ETH_ADDRESS.test(wanted)) return go("actor", await ask<string>("Filecoin.EthAddressToFilecoinAddress", wanted));
  if (ETH_HASH.test(wanted)) return transaction(wanted);
  if (CID.test(wanted)) return object(wanted);
  if (ADDRESS.test(wanted)) return actor(wanted);
  throw new Error("an epoch, an address (t01000, t1…, 0x…), a CID or a transaction's hash (0x…) is expected");
}

async function actor(text: string): Promise<void> {
  const address = await ask<string>("Filecoin.WalletValidateAddress", text);
  const miners = await ask<readonly string[]>("Filecoin.StateListMiners", null).catch((): readonly string[] => []);
  const id = await ask<string>("Filecoin.StateLookupID", address, null).catch(() => address);
  go(miners.includes(id) ? "miner" : "actor", miners.includes(id) ? id : address);
}

async function transaction(hash: string): Promise<void> {
  const found = await ask<{ readonly blockNumber: string | null } | null>("eth_getTransactionByHash", hash);
  if (found !== null && found.blockNumber !== null) return go("tipset", Number(found.blockNumber));
  throw new Error(found === null ? "there is no such transaction" : "the transaction waits in the pool");
}

/** A block, a message, or anything else of the store. */
async function object(cid: string): Promise<void> {
  const link = { "/": cid };
  const block = await ask<{ readonly Height: number }>("Filecoin.ChainGetBlock", link).catch(() => null);
  if (block !== null) return go("tipset", block.Height);
  const message = await ask("Filecoin.ChainGetMessage", link).catch(() => null);
  if (message !== null) return go("message", cid);
  if (await ask<boolean>("Filecoin.ChainHasObj", link)) return go("object", cid);
  throw new Error("this node has nothing by that CID");
}
