/**
 * Replays a chain export: executes every tipset from the genesis state in the file and compares state root and receipts
 * root with what the headers of the next tipset claim.
 *
 * Only the genesis state is taken from the file. Everything after it is computed: null rounds, messages in block order,
 * rewards, cron. Randomness comes from the tickets and beacon entries of the headers. Every block of the file is checked
 * against its CID first. Proofs of spacetime and seals are answered by the caller's judge.
 */
import { FilError } from "../base/errors.ts";
import { ChainStore } from "../chain/chain-store.ts";
import { randomnessOf } from "../chain/randomness.ts";
import type { GenesisSupply } from "../core/vm.ts";
import { Executor } from "../exec/executor.ts";
import type { BlockInput, ExecutionRules, MessageInput, ProofJudge } from "../exec/types.ts";
import { actorsV2Upgrade } from "../exec/upgrades.ts";
import { MAINNET, networkVersionAt } from "../params/networks.ts";
import { MAINNET_SUPPLY } from "../params/supply.ts";
import { describeCode, StateView } from "../state/state-view.ts";
import { loadNode } from "../storage/amt.ts";
import { readCar } from "../storage/car.ts";
import { MemoryStore } from "../storage/memory.ts";
import { Address } from "../types/address.ts";
import { bytesToBig } from "../types/amount.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { CID, cidKey } from "../types/cid.ts";
import { encodeMessage, encodeSignedMessage } from "../types/message.ts";
import { firstStateDifference } from "./diff.ts";

export type ReplayErrorData =
  | { readonly code: "BAD_BLOCK"; readonly cid: string }
  | { readonly code: "NO_GENESIS" }
  | { readonly code: "MISMATCH"; readonly epoch: number; readonly what: "state root" | "receipts root" };
export class ReplayError extends FilError<ReplayErrorData> {}

export type ReplayProgress = { readonly done: number; readonly total: number; readonly epoch: number };

export type ReplayReport = {
  /** Tipsets executed and found equal. */
  readonly tipsets: number;
  readonly messages: number;
  readonly firstEpoch: number;
  readonly lastEpoch: number;
  readonly nullRounds: number;
  /** State after the last tipset but one, which the last header commits to. */
  readonly stateRoot: string;
  /** Every block of the file and of the states computed. */
  readonly store: MemoryStore;
};

export type BlockHashes = {
  blake2b256(bytes: Uint8Array): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
};

export type ReplayOptions = {
  readonly proofs: ProofJudge;
  /** Hashes for checking CIDs; `loadCrypto()` has them. */
  readonly hashes: BlockHashes;
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly signal?: AbortSignal;
};

const IDENTITY = 0x00;
const SHA2_256 = 0x12;
const BLAKE2B_256 = 0xb220;
const BURNT_FUNDS = Address.id(99);

/** Replays the bytes of a CAR file of the main network. Throws `ReplayError` at the first difference. */
export async function replayChain(car: Uint8Array, options: ReplayOptions): Promise<ReplayReport> {
  const { roots, blocks } = readCar(car);
  checkBlocks(blocks, options.hashes);
  const store = new MemoryStore();
  store.writeNow({ blocks });
  const chain = await ChainStore.open(store);
  const line = await lineOf(
    chain,
    roots.map((root) => CID.decode(root)),
  );
  const genesis = line[0] as Tipset;
  const rules = await rulesOf(store, genesis);
  const executor = new Executor({}, { blocks: store, randomness: randomnessOf(line), proofs: options.proofs });
  let messages = 0;
  let nullRounds = 0;
  for (let i = 1; i < line.length - 1; i++) {
    options.signal?.throwIfAborted();
    const [parent, tipset, child] = [line[i - 1], line[i], line[i + 1]] as [Tipset, Tipset, Tipset];
    nullRounds += tipset.height - parent.height - 1;
    const result = await execute(chain, executor, rules, parent, tipset, line.slice(0, i + 1));
    store.writeNow({ blocks: result.blocks });
    messages += result.applied.filter((one) => one.kind === "message").length;
    compare(store, tipset, child.blocks[0] as BlockHeader, result);
    options.onProgress?.({ done: i, total: line.length - 2, epoch: tipset.height });
  }
  const last = line[line.length - 1] as Tipset;
  return {
    tipsets: Math.max(0, line.length - 2),
    messages,
    firstEpoch: genesis.height,
    lastEpoch: last.height,
    nullRounds,
    stateRoot: `${last.blocks[0]?.parentStateRoot}`,
    store,
  };
}

function checkBlocks(
  blocks: readonly { readonly cid: Uint8Array; readonly bytes: Uint8Array }[],
  hashes: BlockHashes,
): void {
  for (const { cid, bytes } of blocks) {
    const parsed = CID.decode(cid);
    const { code, digest } = parsed.multihash;
    if (code === IDENTITY) continue;
    const ours = code === BLAKE2B_256 ? hashes.blake2b256(bytes) : code === SHA2_256 ? hashes.sha256(bytes) : null;
    if (ours === null || cidKey(ours) !== cidKey(digest))
      throw new ReplayError(
        { code: "BAD_BLOCK", cid: `${parsed}` },
        `the bytes of block ${parsed} are not what its CID says`,
      );
  }
}

/** Tipsets from the genesis to the roots. */
async function lineOf(chain: ChainStore, roots: readonly CID[]): Promise<Tipset[]> {
  const line: Tipset[] = [];
  for (let at: Tipset | null = await chain.tipset(roots); at !== null; at = await chain.parent(at)) line.push(at);
  line.reverse();
  if (line[0]?.height !== 0) throw new ReplayError({ code: "NO_GENESIS" }, "the file does not reach back to a genesis");
  return line;
}

/** Rules of the main network, with the facts that its genesis state fixes. */
async function rulesOf(store: MemoryStore, genesis: Tipset): Promise<ExecutionRules> {
  const view = await StateView.open(store, (genesis.blocks[0] as BlockHeader).parentStateRoot);
  const accounts: { id: bigint; balance: bigint }[] = [];
  for await (const [address, entry] of view.entries())
    if (describeCode(entry.code)?.actor.name === "account" && !address.equals(BURNT_FUNDS))
      accounts.push({ id: address.actorId ?? 0n, balance: entry.balance });
  const market = (await loadNode(store, (await view.requireActor(Address.id(5))).head)) as unknown[];
  const power = (await loadNode(store, (await view.requireActor(Address.id(4))).head)) as unknown[];
  const amount = (value: unknown): bigint => bytesToBig(value as Uint8Array);
  // The last three fields of the market's state are its locked totals; the fifth of power's is the pledge.
  const circulatingSupply: GenesisSupply = {
    ...MAINNET_SUPPLY,
    genesisMarketFunds: market.slice(-3).reduce<bigint>((sum, value) => sum + amount(value), 0n),
    genesisPledge: amount(power[4]),
    accounts,
  };
  return {
    networkVersionAt: (epoch) => networkVersionAt(MAINNET, epoch),
    circulatingSupply,
    upgrades: [actorsV2Upgrade(MAINNET_SUPPLY.secondActorsEpoch)],
  };
}

async function execute(
  chain: ChainStore,
  executor: Executor,
  rules: ExecutionRules,
  parent: Tipset,
  tipset: Tipset,
  line: readonly Tipset[],
) {
  const first = tipset.blocks[0] as BlockHeader;
  const blocks: BlockInput[] = [];
  for (const header of tipset.blocks) {
    const { bls, secp } = await chain.messages(header);
    const plain = (bytes: Uint8Array, length = bytes.length): MessageInput => ({ bytes, chainLength: length });
    blocks.push({
      miner: header.miner,
      winCount: header.electionProof?.winCount ?? 0n,
      blsMessages: bls.map((message) => plain(encodeMessage(message))),
      secpMessages: secp.map((one) => plain(encodeMessage(one.message), encodeSignedMessage(one).length)),
    });
  }
  return executor.applyTipset(
    {
      stateRoot: first.parentStateRoot,
      parentEpoch: parent.height,
      epoch: tipset.height,
      baseFee: first.parentBaseFee,
      blocks,
    },
    rules,
    { randomness: randomnessOf(line) },
  );
}

function compare(
  store: MemoryStore,
  tipset: Tipset,
  claim: BlockHeader,
  result: { readonly stateRoot: CID; readonly receiptsRoot: CID },
): void {
  const epoch = tipset.height;
  const mismatch = (what: "state root" | "receipts root", ours: CID, theirs: CID, more: string): never => {
    throw new ReplayError(
      { code: "MISMATCH", epoch, what },
      `epoch ${epoch}: ${what} is ${ours}, the next headers claim ${theirs}${more}`,
    );
  };
  const expected = claim.parentStateRoot;
  const same: boolean = result.stateRoot.equals(expected);
  if (!same) {
    const known = store.peek(expected.bytes) !== undefined;
    const more = known
      ? `; first difference: ${firstStateDifference(store, result.stateRoot, expected)}`
      : "; the claimed state is not in the file, so the differing actor cannot be named";
    mismatch("state root", result.stateRoot, expected, more);
  }
  if (!result.receiptsRoot.equals(claim.parentMessageReceipts))
    mismatch("receipts root", result.receiptsRoot, claim.parentMessageReceipts, "");
}
