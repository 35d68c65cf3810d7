/**
 * What a node must know to verify blocks of a local network: public facts only. Winning and window PoSt are attested there
 * (in place of the SNARK stands a signature by a public key, which anybody can check), or real proofs under the network's
 * verifying keys; so are seals, which are real proofs if the network has a key for them.
 */
import { platform } from "#platform";
import { BoundedMap } from "../base/bounded-map.ts";
import { blake2b256 } from "../base/digests.ts";
import { sleepFor } from "../base/sleep.ts";
import { type DrandInfo, type EpochTimes, isChained } from "../beacon/drand.ts";
import { verifierOf } from "../beacon/rules.ts";
import { VerifiedEntries } from "../beacon/source.ts";
import { batched } from "../consensus/batched-bls.ts";
import type { VerifyBls } from "../consensus/election-checks.ts";
import { inclusionGas } from "../consensus/inclusion-gas.ts";
import { keyedWinningPost, sectorPicker } from "../consensus/keyed-winning-post.ts";
import { type Expected, SignaturesAhead } from "../consensus/signatures-ahead.ts";
import { BlockValidator } from "../consensus/validator.ts";
import type { PickSector, VerifyWinningPost } from "../consensus/winning-post.ts";
import type { Crypto } from "../core/crypto.ts";
import type { Proofs } from "../core/proofs.ts";
import { circuitKey, keyedVerifier } from "../exec/keyed-verifier.ts";
import { poolAtHand } from "../exec/shared-pool.ts";
import type { ProofVerifier } from "../exec/types.ts";
import type { VerifyJob } from "../exec/verify-job.ts";
import { verifyMessage } from "../keys/keys.ts";
import { DEVNET_VERSION } from "../params/networks.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import {
  type Attestor,
  attestorOf,
  verifySealInfo,
  verifyUpdateInfo,
  verifyWindowInfo,
} from "../sector/attest/attestation.ts";
import { readVerifyingKey } from "../sector/snark/groth16.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { VerifyAhead } from "../sync/peers.ts";
import type { DescribedProofs } from "./proof-mode.ts";

export type LocalFacts = {
  readonly networkName: string;
  /** At the genesis. Default: that of this engine's own actors. */
  readonly networkVersion?: number;
  /** The last that it comes to by upgrades. Default: that of the genesis. */
  readonly lastVersion?: number;
  readonly beacon: DrandInfo;
  readonly times: EpochTimes;
  /** Default: attested. */
  readonly proofs?: DescribedProofs;
};

/** Who says whether proofs hold: those of blocks, and those that messages submit. */
type ProofVerifiers = {
  readonly winning: VerifyWinningPost;
  readonly window: ProofVerifier["verifyPoSt"];
  readonly seal: ProofVerifier["verifySeal"];
};

/** Bytes of sectors on a local network. */
const SECTOR_BYTES = 2048;

const LATIN1 = new TextDecoder("latin1");

/** Signatures that are remembered as good: some ten a block. */
const KEPT_SIGNATURES = 4096;
/** Messages of an aggregate from which on a worker is worth the way. */
const AGGREGATE_FROM = 4;
/** Milliseconds until a free worker is looked for again. */
const NO_WORKER_MS = 20;

export class LocalVerifier {
  readonly facts: LocalFacts;
  readonly attestor: Attestor;
  readonly pickSector: PickSector;
  private readonly crypto: Crypto;
  /** What was verified once is not verified again, whichever node of this process asks. */
  private readonly good = new BoundedMap<string, true>(KEPT_SIGNATURES);
  private readonly entries: VerifiedEntries;
  private readonly verifyTogether: VerifyBls;
  private readonly verifiers: ProofVerifiers;
  /** Signatures that a worker verifies now: whether it found them right; if not, nothing is known of each. */
  private readonly underWay = new Map<string, Promise<boolean>>();

  /** Throws `VerifyingKeyError` if the network's keys are none. */
  constructor(facts: LocalFacts, crypto: Crypto, proofs: Proofs) {
    this.facts = facts;
    this.crypto = crypto;
    this.entries = new VerifiedEntries(verifierOf(crypto));
    this.verifyTogether = batched({
      all: (signed) => crypto.blsVerifyBatch(signed, platform.randomBytes(8 * signed.length)),
      one: (key, message, signature) => crypto.blsVerify(key, message, signature),
    });
    this.attestor = attestorOf(crypto, facts.networkName);
    this.pickSector = sectorPicker(proofs);
    const described = facts.proofs ?? { mode: "attested" };
    this.verifiers =
      described.mode === "attested"
        ? attestedProofs(this.attestor)
        : keyedProofs(proofs, described, this.attestor, facts.lastVersion ?? facts.networkVersion ?? DEVNET_VERSION);
  }

  readonly verifyBls: VerifyBls = async (key, message, signature) => {
    const name = nameOf(key, message, signature);
    if (this.good.get(name) === true || (await this.underWay.get(name)) === true) return true;
    if (!(await this.verifyTogether(key, message, signature))) return false;
    this.good.set(name, true);
    return true;
  };

  /** Verifies in workers what fetched blocks will be asked for; without workers nothing is done. */
  ahead(states: StateManager): VerifyAhead {
    return async (tipsets, below, signal) => {
      if (poolAtHand() === null) return;
      const expected = new SignaturesAhead(states);
      let under = below;
      for (const blocks of tipsets) {
        const headers = blocks.map(({ header }) => header);
        const found = await expected.of(headers, under);
        under = headers;
        while (!signal.aborted && !(await this.verifyAhead(found))) await sleepFor(NO_WORKER_MS, signal);
        if (signal.aborted) return;
      }
    };
  }

  /** False if no worker was free. */
  private async verifyAhead({ signed, entries }: Expected): Promise<boolean> {
    const { beacon } = this.facts;
    const fresh = signed.flatMap((one) => {
      const name = nameOf(one.publicKey, one.message, one.signature);
      return this.good.get(name) === true || this.underWay.has(name) ? [] : [{ one, name }];
    });
    const rounds = entries.filter(({ entry }) => this.entries.get(beacon, entry.round) === null);
    if (fresh.length + rounds.length === 0) return true;
    const jobs: VerifyJob[] = rounds.map(({ entry, previous }) => ({
      kind: "round",
      publicKey: beacon.publicKey,
      round: entry.round,
      signature: entry.data,
      previous: isChained(beacon) ? previous : null,
    }));
    if (fresh.length > 0) jobs.push({ kind: "signatures", signed: fresh.map(({ one }) => one) });
    const done = poolAtHand()?.verify(jobs);
    if (done === undefined || done === null) return false;
    const answers = done.catch((): readonly boolean[] => []);
    const areGood = answers.then((right) => fresh.length > 0 && right.at(-1) === true);
    for (const { name } of fresh) this.underWay.set(name, areGood);
    const right = await answers;
    rounds.forEach(({ entry }, i) => {
      if (right[i] === true) this.entries.note(beacon, entry);
    });
    const good = await areGood;
    for (const { name } of fresh) {
      this.underWay.delete(name);
      if (good) this.good.set(name, true);
    }
    return true;
  }

  /** Whether an aggregate is right; a long one is verified in a worker, if one is free. */
  private aggregate(messages: Parameters<Crypto["blsVerifyAggregate"]>[0], signature: Uint8Array) {
    const list = [...messages];
    const here = (): boolean => this.crypto.blsVerifyAggregate(list, signature);
    const pool = list.length < AGGREGATE_FROM ? null : poolAtHand();
    const there = pool?.verify([{ kind: "aggregate", messages: list, signature }]) ?? null;
    return there === null
      ? here()
      : there.then(
          ([right]) => right === true,
          () => here(),
        );
  }

  /** How the network verifies proofs that are submitted to actors. */
  proofs(): ProofVerifier {
    return {
      verifyPoSt: this.verifiers.window,
      verifySeal: this.verifiers.seal,
      // No key is made of the updates' circuit for a network: they are attested in both modes.
      verifyReplicaUpdate: (info) => verifyUpdateInfo(this.attestor, info),
    };
  }

  /** A validator of the network's blocks: every rule is checked. `now`: the clock that blocks must not be ahead of. */
  validator(states: StateManager, now: () => number): BlockValidator {
    const { crypto, pickSector } = this;
    const { beacon, times } = this.facts;
    return new BlockValidator({
      states,
      beacons: [{ start: 0, info: beacon }],
      genesisTime: times.genesisTime,
      verifyEntry: this.entries.check,
      verifyBls: this.verifyBls,
      messages: {
        aggregate: (messages, signature) => this.aggregate(messages, signature),
        signed: (signed, key) => verifyMessage(crypto, signed, key, states.network.chainId),
      },
      pickSector,
      verifyWinningPost: this.verifiers.winning,
      inclusionGas,
      now,
    });
  }
}

function attestedProofs(attestor: Attestor): ProofVerifiers {
  return {
    window: (info) => verifyWindowInfo(attestor, info),
    seal: (info) => verifySealInfo(attestor, info),
    winning: async ({ prover, randomness, sectors, proofs }) => {
      const [post] = proofs;
      if (post === undefined || proofs.length !== 1) return "wrong";
      const statement = { kind: "winning", type: Number(post.postProof), miner: prover, randomness, sectors } as const;
      return attestor.verifyPost(statement, post.proofBytes) ? "verified" : "wrong";
    },
  };
}

/**
 * Seals are attested where the network has no key for them. `lastVersion`: kinds of proofs that come with it are verified from the
 * start; before, actors refuse them.
 */
function keyedProofs(
  proofs: Proofs,
  { verifyingKeys }: DescribedProofs & { readonly mode: "groth16" },
  attestor: Attestor,
  lastVersion: number,
): ProofVerifiers {
  const entropy = (): Uint8Array => platform.randomBytes(32);
  const winning = readVerifyingKey(proofs, verifyingKeys.winning);
  const { porep } = verifyingKeys;
  const keys = new Map([[circuitKey("window-post", SECTOR_BYTES), readVerifyingKey(proofs, verifyingKeys.window)]]);
  if (porep !== undefined) keys.set(circuitKey("seal", SECTOR_BYTES), readVerifyingKey(proofs, porep));
  const { verifyPoSt, verifySeal } = keyedVerifier({
    ...{ proofs, keys, missing: "reject", entropy },
    secondWindowVersion: chainRule("windowPostSecond", lastVersion),
  });
  return {
    winning: keyedWinningPost({ proofs, keys: new Map([[SECTOR_BYTES, winning]]), missing: "wrong", entropy }),
    window: verifyPoSt,
    seal: porep === undefined ? (info) => verifySealInfo(attestor, info) : verifySeal,
  };
}

function nameOf(key: Uint8Array, message: Uint8Array, signature: Uint8Array): string {
  // One character a byte, and all but the last of fixed length where they can be right.
  return [
    key.length,
    signature.length,
    LATIN1.decode(key),
    LATIN1.decode(signature),
    LATIN1.decode(blake2b256(message)),
  ].join();
}
