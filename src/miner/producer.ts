/**
 * The single producer of a local network: makes every block, without election.
 *
 * One step: draw a ticket and an election proof (VRF = BLS signature of the worker) for the next epoch, choose messages at
 * the epoch's base fee, put them under a signed header that commits to the parent's result, execute the new tipset at
 * once, and append everything in one batch. Proof of spacetime and power play no part yet.
 * Everything is a function of the chain, the pool and the worker's key: the same inputs give the same CIDs.
 */
import { concat } from "../base/bytes.ts";
import { buildMessageMeta, splitMessages } from "../chain/message-store.ts";
import { drawRandomness, minTicket } from "../chain/randomness.ts";
import { weightOf } from "../chain/weight.ts";
import { type KeyCrypto, type KeyInfo, signBytes } from "../keys/keys.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, headerSigningBytes, makeTipset, type Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { SIGNATURE_TYPE, type SignedMessage } from "../types/message.ts";
import { usable } from "./usable.ts";

export type ProducerOptions = {
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly crypto: KeyCrypto & { blsAggregate(signatures: readonly Uint8Array[]): Uint8Array };
  readonly miner: Address;
  /** BLS key of the miner's worker. */
  readonly worker: KeyInfo;
  /** Data of the local beacon's round. */
  readonly beacon: (round: bigint) => Uint8Array;
};

/** A tipset that was made, and how many messages it carries. */
export type Produced = { readonly tipset: Tipset; readonly messages: number };

/** Whoever makes tipsets on top of the head; null for an epoch in which nobody may. `signal` ends a run in a worker. */
export type TipsetProducer = { produce(epoch: number, signal?: AbortSignal): Promise<Produced | null> };

/** The tipset that is wanted, whatever it carries. */
type Wanted = {
  readonly parent: Tipset;
  readonly epoch: number;
  readonly baseFee: bigint;
  readonly signal?: AbortSignal;
};

/** Domain tags. Source: go-state-types crypto/randomness.go. */
const TAG_TICKET = 1;
const TAG_ELECTION = 2;
/** Aggregate of no signatures: the compressed point at infinity of G2. */
const EMPTY_AGGREGATE = Uint8Array.from({ length: 96 }, (_, i) => (i === 0 ? 0xc0 : 0));

export class Producer {
  private readonly options: ProducerOptions;

  constructor(options: ProducerOptions) {
    this.options = options;
  }

  /** Makes the tipset of `epoch`, which must be above the head's; epochs between are null rounds. */
  async produce(epoch: number, signal?: AbortSignal): Promise<Produced> {
    const { states, pool } = this.options;
    const { chain } = states;
    const parent = chain.head;
    const baseFee = await states.nextBaseFee(parent);
    const made = await usable(await pool.select(baseFee), {
      attempt: (chosen) =>
        this.attempt({ parent, epoch, baseFee, ...(signal === undefined ? {} : { signal }) }, chosen),
      drop: ({ message }, reason) => pool.dropNonce(message.from, message.nonce, reason),
    });
    const tipset = await chain.append(made.added);
    await pool.settled();
    return { tipset, messages: made.count };
  }

  private async attempt({ parent, epoch, baseFee, ...run }: Wanted, chosen: readonly SignedMessage[]) {
    const messages = [splitMessages(chosen)];
    const meta = buildMessageMeta(splitMessages(chosen));
    const headers = [await this.header(parent, epoch, baseFee, chosen, meta.root)];
    const executed = await this.options.states.execute(makeTipset(headers), {
      ...run,
      given: messages,
      priority: "mine",
    });
    const blocks = [...meta.blocks, ...executed.blocks];
    return { added: { headers, messages, blocks, result: executed.result }, count: chosen.length };
  }

  private async header(
    parent: Tipset,
    epoch: number,
    baseFee: bigint,
    chosen: readonly SignedMessage[],
    messages: CID,
  ): Promise<BlockHeader> {
    const { states, crypto, miner, worker, beacon } = this.options;
    const first = parent.blocks[0] as BlockHeader;
    const { stateRoot, receiptsRoot } = await states.result(parent);
    const entry = { round: BigInt(epoch), data: beacon(BigInt(epoch)) };
    const vrf = (tag: number, at: number, entropy: Uint8Array): Uint8Array =>
      signBytes(crypto, worker, drawRandomness(entry.data, tag, at, entropy)).data;
    const minerCbor = concat(Uint8Array.of(0x40 | miner.bytes.length), miner.bytes);
    const aggregated = chosen
      .filter((one) => one.signature.type === SIGNATURE_TYPE.bls)
      .map((one) => one.signature.data);
    const unsigned: BlockHeader = {
      miner,
      ticket: vrf(TAG_TICKET, epoch - 1, concat(minerCbor, minTicket(parent))),
      electionProof: { winCount: 1n, vrfProof: vrf(TAG_ELECTION, epoch, minerCbor) },
      beaconEntries: [entry],
      winPoStProof: [],
      parents: parent.key,
      parentWeight: weightOf(parent),
      height: epoch,
      parentStateRoot: stateRoot,
      parentMessageReceipts: receiptsRoot,
      messages,
      blsAggregate: {
        type: SIGNATURE_TYPE.bls,
        data: aggregated.length === 0 ? EMPTY_AGGREGATE : crypto.blsAggregate(aggregated),
      },
      timestamp: first.timestamp + BigInt((epoch - parent.height) * states.network.blockDelaySeconds),
      blockSig: null,
      forkSignaling: 0n,
      parentBaseFee: baseFee,
    };
    return { ...unsigned, blockSig: signBytes(crypto, worker, headerSigningBytes(unsigned)) };
  }
}
