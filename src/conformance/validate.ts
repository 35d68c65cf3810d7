/** Validation of recorded chains: a validator for the main network's rules, and counts of what it checked. */
import { checkNames, type OptionNames } from "../base/options.ts";
import { MAINNET_BEACONS } from "../beacon/networks.ts";
import { verifierOf } from "../beacon/rules.ts";
import { VerifiedEntries } from "../beacon/source.ts";
import type { Chain } from "../chain/chain.ts";
import { inclusionGas } from "../consensus/inclusion-gas.ts";
import { keyedWinningPost, sectorPicker } from "../consensus/keyed-winning-post.ts";
import { type BlockReport, BlockValidator } from "../consensus/validator.ts";
import type { Crypto } from "../core/crypto.ts";
import type { Proofs } from "../core/proofs.ts";
import { verifyBytes } from "../keys/keys.ts";
import type { VerifyingKey } from "../sector/snark/groth16.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { messageCid } from "../types/message.ts";

/** How many of each were checked and found right. */
export type CheckCounts = {
  readonly blocks: number;
  readonly ticket: number;
  readonly electionProof: number;
  readonly winCount: number;
  readonly eligibility: number;
  readonly blockSignature: number;
  readonly beaconEntry: number;
  readonly timestamp: number;
  readonly parentWeight: number;
  readonly baseFee: number;
  readonly messageRoot: number;
  /** Messages in aggregates. */
  readonly blsAggregate: number;
  readonly messageSignature: number;
  readonly stateRoot: number;
  readonly winningPoSt: { readonly verified: number; readonly declared: number };
};

export type ChainValidatorOptions = {
  readonly crypto: Crypto;
  readonly proofs: Proofs;
  /** Verifying keys of winning PoSt by sector size; proofs without a key are taken and counted as declared. */
  readonly winningPostKeys?: ReadonlyMap<number, VerifyingKey>;
  readonly entropy: () => Uint8Array;
};

const OPTIONS: OptionNames<ChainValidatorOptions> = {
  crypto: true,
  proofs: true,
  winningPostKeys: true,
  entropy: true,
};

/** Validates the blocks of a chain of the main network, tipset by tipset, and counts. */
export class ChainValidator {
  readonly validator: BlockValidator;
  private readonly chain: Chain;
  private readonly reports: BlockReport[] = [];

  constructor(states: StateManager, genesis: BlockHeader, options: ChainValidatorOptions) {
    checkNames("validate", options, OPTIONS);
    const { crypto, proofs, winningPostKeys = new Map(), entropy } = options;
    this.chain = states.chain;
    this.validator = new BlockValidator({
      states,
      beacons: MAINNET_BEACONS,
      genesisTime: Number(genesis.timestamp),
      verifyEntry: new VerifiedEntries(verifierOf(crypto)).check,
      verifyBls: (key, message, signature) => crypto.blsVerify(key, message, signature),
      messages: {
        aggregate: (messages, signature) => crypto.blsVerifyAggregate(messages, signature),
        signed: (signed, key) => verifyBytes(crypto, signed.signature, key, messageCid(signed.message).bytes),
      },
      pickSector: sectorPicker(proofs),
      verifyWinningPost: keyedWinningPost({ proofs, keys: winningPostKeys, missing: "declared", entropy }),
      inclusionGas,
      // A recorded chain lies in the past, whatever this machine's clock says.
      now: () => Number.MAX_SAFE_INTEGER,
    });
  }

  /** Validates all blocks of a tipset whose parent has been executed. Throws `BlockError`. */
  async tipset(tipset: Tipset): Promise<void> {
    for (const header of tipset.blocks)
      this.reports.push(await this.validator.validate({ header, messages: await this.chain.messages(header) }));
  }

  counts(): CheckCounts {
    const { reports } = this;
    const blocks = reports.length;
    const sum = (of: (report: BlockReport) => number): number => reports.reduce((total, one) => total + of(one), 0);
    return {
      blocks,
      ticket: blocks,
      electionProof: blocks,
      winCount: blocks,
      eligibility: blocks,
      blockSignature: blocks,
      beaconEntry: sum(({ beaconEntries }) => beaconEntries),
      timestamp: blocks,
      parentWeight: blocks,
      baseFee: blocks,
      messageRoot: blocks,
      blsAggregate: sum(({ blsMessages }) => blsMessages),
      messageSignature: sum(({ secpMessages }) => secpMessages),
      stateRoot: blocks,
      winningPoSt: {
        verified: sum(({ winningPost }) => (winningPost === "verified" ? 1 : 0)),
        declared: sum(({ winningPost }) => (winningPost === "declared" ? 1 : 0)),
      },
    };
  }
}
