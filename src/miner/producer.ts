/**
 * The single producer of a local network: makes every block, without election.
 *
 * One step: draw a ticket and an election proof (VRF = BLS signature of the worker) for the next epoch, choose messages at
 * the epoch's base fee, put them under a signed header that commits to the parent's result, execute the new tipset at
 * once, and append everything in one batch. Proof of spacetime and power play no part yet.
 * Everything is a function of the chain, the pool and the worker's key: the same inputs give the same CIDs.
 */
import { concat } from "../base/bytes.ts";
import { nextBaseFee } from "../chain/base-fee.ts";
import { buildMessageMeta, type ChainStore, splitMessages } from "../chain/chain-store.ts";
import { drawRandomness, minTicket, randomnessOf } from "../chain/randomness.ts";
import { weightOf } from "../chain/weight.ts";
import type { BlockInput, Execution, ExecutionRules } from "../exec/types.ts";
import { type KeyCrypto, type KeyInfo, signBytes } from "../keys/keys.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { CHAIN_LIMITS, type NetworkParams, networkVersionAt } from "../params/networks.ts";
import type { Address } from "../types/address.ts";
import { type BlockHeader, headerSigningBytes, makeTipset, type Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import {
  chainLength,
  encodeMessage,
  type Message,
  messageCid,
  SIGNATURE_TYPE,
  type SignedMessage,
  signedMessageCid,
} from "../types/message.ts";

export type ProducerParts = {
  readonly network: NetworkParams;
  readonly chain: ChainStore;
  readonly pool: MessagePool;
  readonly executor: Execution;
  readonly rules: ExecutionRules;
  readonly crypto: KeyCrypto & { blsAggregate(signatures: readonly Uint8Array[]): Uint8Array };
  readonly miner: Address;
  /** BLS key of the miner's worker. */
  readonly worker: KeyInfo;
  /** Data of the local beacon's round. */
  readonly beacon: (round: bigint) => Uint8Array;
};

/** Domain tags. Source: go-state-types crypto/randomness.go. */
const TAG_TICKET = 1;
const TAG_ELECTION = 2;
/** Tipsets kept at hand for randomness: more than any actor looks back. */
const LINE_LENGTH = 2000;
/** Aggregate of no signatures: the compressed point at infinity of G2. */
const EMPTY_AGGREGATE = Uint8Array.from({ length: 96 }, (_, i) => (i === 0 ? 0xc0 : 0));

export class Producer {
  private readonly parts: ProducerParts;
  private line: Tipset[] = [];
  /** Gas limits of a tipset's messages in all: of the last one that was made or looked at. */
  private gas: { readonly of: Tipset; readonly sum: bigint } | null = null;

  private constructor(parts: ProducerParts) {
    this.parts = parts;
  }

  static async open(parts: ProducerParts): Promise<Producer> {
    const producer = new Producer(parts);
    const line: Tipset[] = [];
    for (let at: Tipset | null = parts.chain.head; at !== null && line.length < LINE_LENGTH; ) {
      line.push(at);
      at = await parts.chain.parent(at);
    }
    producer.line = line.reverse();
    return producer;
  }

  /** Randomness as seen by what is executed on top of the head. */
  randomness() {
    return randomnessOf(this.line);
  }

  /** Base fee of the next epoch, attoFIL per gas. */
  async baseFee(): Promise<bigint> {
    const { chain, network } = this.parts;
    const head = chain.head;
    if (this.gas?.of !== head) {
      const messages = (await chain.tipsetMessages(head)).map(({ message }) => message);
      this.gas = { of: head, sum: gasOf(messages) };
    }
    const fee = head.blocks[0]?.parentBaseFee ?? CHAIN_LIMITS.initialBaseFee;
    return nextBaseFee(fee, this.gas.sum, head.blocks.length, networkVersionAt(network, head.height));
  }

  /** Makes the tipset of `epoch`, which must be above the head's; epochs between are null rounds. */
  async produce(epoch: number): Promise<Tipset> {
    const { chain, pool, executor, rules, miner } = this.parts;
    const parent = chain.head;
    const baseFee = await this.baseFee();
    const chosen = await pool.select(baseFee);
    const meta = buildMessageMeta(splitMessages(chosen));
    const header = await this.header(parent, epoch, baseFee, chosen, meta.root);
    const before = await chain.result(parent);
    const result = await executor.applyTipset(
      {
        stateRoot: before.stateRoot,
        parentEpoch: parent.height,
        epoch,
        baseFee,
        blocks: [blockInput(miner, chosen)],
      },
      rules,
      { randomness: randomnessOf([...this.line, makeTipset([header])]) },
    );
    const tipset = await chain.append(
      [header],
      chosen.flatMap((signed) => [{ cid: signedMessageCid(signed) }, { cid: messageCid(signed.message) }]),
      result,
      [...meta.blocks, ...result.blocks],
    );
    this.line.push(tipset);
    if (this.line.length > LINE_LENGTH) this.line.shift();
    this.gas = { of: tipset, sum: gasOf(chosen.map(({ message }) => message)) };
    await pool.prune();
    return tipset;
  }

  private async header(
    parent: Tipset,
    epoch: number,
    baseFee: bigint,
    chosen: readonly SignedMessage[],
    messages: CID,
  ): Promise<BlockHeader> {
    const { chain, crypto, miner, worker, network, beacon } = this.parts;
    const first = parent.blocks[0] as BlockHeader;
    const { stateRoot, receiptsRoot } = await chain.result(parent);
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
      timestamp: first.timestamp + BigInt((epoch - parent.height) * network.blockDelaySeconds),
      blockSig: null,
      forkSignaling: 0n,
      parentBaseFee: baseFee,
    };
    return { ...unsigned, blockSig: signBytes(crypto, worker, headerSigningBytes(unsigned)) };
  }
}

function gasOf(messages: readonly Message[]): bigint {
  return messages.reduce((sum, { gasLimit }) => sum + gasLimit, 0n);
}

function blockInput(miner: Address, chosen: readonly SignedMessage[]): BlockInput {
  const input = (signed: SignedMessage) => ({ bytes: encodeMessage(signed.message), chainLength: chainLength(signed) });
  const isBls = (signed: SignedMessage): boolean => signed.signature.type === SIGNATURE_TYPE.bls;
  return {
    miner,
    winCount: 1n,
    blsMessages: chosen.filter(isBls).map(input),
    secpMessages: chosen.filter((signed) => !isBls(signed)).map(input),
  };
}
