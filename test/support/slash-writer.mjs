/** Signs one block an epoch, as far as the slash filter is asked, and says each epoch that was allowed; until it is killed. */

import { platform } from "#platform";
import { SlashFilter } from "../../dist/miner/slash-filter.js";
import { TableStore } from "../../dist/storage/table-store.js";
import { Address } from "../../dist/types/address.js";
import { makeTipset } from "../../dist/types/block-header.js";
import { cidOfBlock } from "../../dist/types/cid.js";

const [, , folder, from, mark] = process.argv;
const store = await TableStore.open(folder, platform.openTable);
const filter = await SlashFilter.open(store);
const header = (height, parents, seed) => ({
  miner: Address.id(1000n),
  ticket: new Uint8Array(96),
  electionProof: { winCount: 1n, vrfProof: new Uint8Array(96) },
  beaconEntries: [],
  winPoStProof: [],
  parents,
  parentWeight: 0n,
  height,
  parentStateRoot: cidOfBlock(Uint8Array.of(1)),
  parentMessageReceipts: cidOfBlock(Uint8Array.of(2)),
  messages: cidOfBlock(Uint8Array.of(seed)),
  blsAggregate: null,
  timestamp: 0n,
  blockSig: null,
  forkSignaling: 0n,
  parentBaseFee: 0n,
});
for (let epoch = Number(from); ; epoch++) {
  const parent = makeTipset([header(epoch - 1, [], 9)]);
  try {
    const one = header(epoch, parent.key, Number(mark));
    await filter.sign(one, parent, () => ({ header: one, messages: { bls: [], secp: [] } }));
    process.stdout.write(`allowed ${epoch}\n`);
  } catch (error) {
    process.stdout.write(`refused ${epoch} ${error.data?.kind ?? error.message}\n`);
    if (epoch > Number(from) + 5000) break;
  }
}
