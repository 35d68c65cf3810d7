/**
 * What a node must know to verify blocks of a local network: public facts only. Winning and window PoSt are attested there
 * (in place of the SNARK stands a signature by a public key, which anybody can check), or real proofs under the network's
 * verifying keys. Seals are attested in both.
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { platform } from "#platform";
import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { DrandInfo, EpochTimes } from "../beacon/drand.ts";
import { verifierOf } from "../beacon/rules.ts";
import { VerifiedEntries } from "../beacon/source.ts";
import { batched } from "../consensus/batched-bls.ts";
import type { VerifyBls } from "../consensus/election-checks.ts";
import { inclusionGas } from "../consensus/inclusion-gas.ts";
import { keyedWinningPost, sectorPicker } from "../consensus/keyed-winning-post.ts";
import { BlockValidator } from "../consensus/validator.ts";
import type { PickSector, VerifyWinningPost } from "../consensus/winning-post.ts";
import type { Crypto } from "../core/crypto.ts";
import type { Proofs } from "../core/proofs.ts";
import { circuitKey, keyedVerifier } from "../exec/keyed-verifier.ts";
import type { ProofVerifier } from "../exec/types.ts";
import { verifyBytes } from "../keys/keys.ts";
import { type Attestor, attestorOf, verifySealInfo, verifyWindowInfo } from "../sector/attest/attestation.ts";
import { readVerifyingKey } from "../sector/snark/groth16.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { messageCid } from "../types/message.ts";
import type { DescribedProofs } from "./proof-mode.ts";

export type LocalFacts = {
  readonly networkName: string;
  readonly beacon: DrandInfo;
  readonly times: EpochTimes;
  /** Default: attested. */
  readonly proofs?: DescribedProofs;
};

/** Who says whether proofs of spacetime hold: those of blocks, and those that messages submit. */
type PostVerifiers = { readonly winning: VerifyWinningPost; readonly window: ProofVerifier["verifyPoSt"] };

/** Bytes of sectors on a local network. */
const SECTOR_BYTES = 2048;

/** Signatures that are remembered as good: some ten a block. */
const KEPT_SIGNATURES = 4096;

export class LocalVerifier {
  readonly facts: LocalFacts;
  readonly attestor: Attestor;
  readonly pickSector: PickSector;
  private readonly crypto: Crypto;
  /** What was verified once is not verified again, whichever node of this process asks. */
  private readonly good = new BoundedMap<string, true>(KEPT_SIGNATURES);
  private readonly entries: VerifiedEntries;
  private readonly verifyTogether: VerifyBls;
  private readonly posts: PostVerifiers;

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
    this.posts = described.mode === "attested" ? attestedPosts(this.attestor) : keyedPosts(proofs, described);
  }

  readonly verifyBls: VerifyBls = async (key, message, signature) => {
    const name = [key, signature, blake2b(message, { dkLen: 32 })].map(toHex).join("/");
    if (this.good.get(name) === true) return true;
    if (!(await this.verifyTogether(key, message, signature))) return false;
    this.good.set(name, true);
    return true;
  };

  /** How the network verifies proofs that are submitted to actors. */
  proofs(): ProofVerifier {
    return {
      verifyPoSt: this.posts.window,
      verifySeal: (info) => verifySealInfo(this.attestor, info),
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
        aggregate: (messages, signature) => crypto.blsVerifyAggregate(messages, signature),
        signed: (signed, key) => verifyBytes(crypto, signed.signature, key, messageCid(signed.message).bytes),
      },
      pickSector,
      verifyWinningPost: this.posts.winning,
      inclusionGas,
      now,
    });
  }
}

function attestedPosts(attestor: Attestor): PostVerifiers {
  return {
    window: (info) => verifyWindowInfo(attestor, info),
    winning: async ({ prover, randomness, sectors, proofs }) => {
      const [post] = proofs;
      if (post === undefined || proofs.length !== 1) return "wrong";
      const statement = { kind: "winning", type: Number(post.postProof), miner: prover, randomness, sectors } as const;
      return attestor.verifyPost(statement, post.proofBytes) ? "verified" : "wrong";
    },
  };
}

function keyedPosts(proofs: Proofs, { verifyingKeys }: DescribedProofs & { readonly mode: "groth16" }): PostVerifiers {
  const entropy = (): Uint8Array => platform.randomBytes(32);
  const winning = readVerifyingKey(proofs, verifyingKeys.winning);
  const window = readVerifyingKey(proofs, verifyingKeys.window);
  const keys = new Map([[circuitKey("window-post", SECTOR_BYTES), window]]);
  return {
    winning: keyedWinningPost({ proofs, keys: new Map([[SECTOR_BYTES, winning]]), missing: "wrong", entropy }),
    window: keyedVerifier({ proofs, keys, missing: "reject", entropy }).verifyPoSt,
  };
}
