/**
 * Sectors that miners have from the beginning.
 *
 * Each is pre-committed and confirmed by the actors, at epoch 0, without a proof: nobody could have asked for one yet.
 * New sectors have no power before their first window PoSt, so a network of new sectors would have none and could not
 * elect anybody; here they count as proven once. That is laid down by hand: their partitions lose the mark "unproven",
 * and the miner claims their power. Everything else (pledge, expirations, deadlines) is the actors' own work.
 */
import type { Vm } from "../core/vm.ts";
import { StateView } from "../state/state-view.ts";
import type { Block } from "../storage/contract.ts";
import { MemoryStore } from "../storage/memory.ts";
import type { Address } from "../types/address.ts";
import { type CID, cidOfBlock } from "../types/cid.ts";
import type { Json } from "../types/schema-codec.ts";
import { POWER } from "../types/singletons.ts";
import { provenMiner } from "./genesis-proven.ts";
import type { ApplyGenesis, GenesisSector, GenesisSpec, GenesisTree } from "./genesis-types.ts";

type Machine = {
  readonly spec: GenesisSpec;
  readonly vm: Vm;
  readonly apply: ApplyGenesis;
  readonly reopen: (tree: GenesisTree) => ApplyGenesis;
  readonly encode: (actor: string, method: number, params: Json) => Uint8Array;
};

type Miner = { readonly address: Address; readonly worker: Address; readonly sectors: readonly GenesisSector[] };

const METHOD = { preCommit: 6, confirm: 17, updateClaimedPower: 3 } as const;
/** Before the genesis: the actor wants an epoch that has passed. */
const SEAL_EPOCH = -1;

/** Adds the sectors; returns the blocks that are not the machine's own. The machine is open on the new state afterwards. */
export async function addSectors(machine: Machine, miners: readonly Miner[]): Promise<readonly Block[]> {
  if (miners.length === 0) return [];
  const { vm, apply, encode, reopen } = machine;
  for (const { address, worker, sectors } of miners)
    for (const sector of sectors) {
      const info = {
        SealProof: machine.spec.miners?.[0]?.sealProof ?? 0,
        SectorNumber: sector.number,
        SealedCID: { "/": sector.sealedCid.toString() },
        SealRandEpoch: SEAL_EPOCH,
        DealIDs: null,
        Expiration: sector.expiration,
        ReplaceCapacity: false,
        ReplaceSectorDeadline: 0,
        ReplaceSectorPartition: 0,
        ReplaceSectorNumber: 0,
      };
      const step = `${address}, sector ${sector.number}`;
      const preCommit = { from: worker, to: address, method: METHOD.preCommit };
      apply(`pre-commit ${step}`, preCommit, encode("storageminer", METHOD.preCommit, info));
      const confirm = { from: POWER, to: address, method: METHOD.confirm };
      apply(`confirm ${step}`, confirm, encode("storageminer", METHOD.confirm, { Sectors: [sector.number] }));
    }
  const root = vm.flush();
  const store = new MemoryStore();
  store.writeNow({ blocks: [...vm.madeBlocks()] });
  const tree = await markProven(machine.spec, vm, store, root, miners);
  const applyAgain = reopen(tree);
  for (const { address, sectors } of miners) {
    const power = sectors.reduce((sum, { size }) => sum + size, 0n).toString();
    const claim = encode("storagepower", METHOD.updateClaimedPower, {
      RawByteDelta: power,
      QualityAdjustedDelta: power,
    });
    applyAgain(`claim power of ${address}`, { from: address, to: POWER, method: METHOD.updateClaimedPower }, claim);
  }
  return tree.blocks;
}

/** The same state with the miners' partitions proven, laid out anew; its blocks are all there are. */
async function markProven(
  spec: GenesisSpec,
  vm: Vm,
  store: MemoryStore,
  root: CID,
  miners: readonly Miner[],
): Promise<GenesisTree> {
  const view = await StateView.open(store, root);
  const blocks: Block[] = [...vm.madeBlocks()].map(({ cid, bytes }) => ({ cid, bytes }));
  const put = (bytes: Uint8Array): CID => {
    const cid = cidOfBlock(bytes);
    blocks.push({ cid: cid.bytes, bytes });
    return cid;
  };
  const actors = [];
  for await (const [id, { code, head, balance }] of view.entries()) {
    const isOurs = miners.some(({ address }) => address.equals(id));
    const bytes = store.peek(head.bytes) as Uint8Array;
    const state = isOurs ? await provenMiner(code, bytes, store, put) : bytes;
    actors.push({ id, code, balance, state });
  }
  const laid = vm.genesis(spec.networkVersion, actors);
  return { root: laid.root, blocks: [...blocks, ...laid.blocks] };
}
