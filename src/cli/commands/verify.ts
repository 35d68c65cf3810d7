/** `filigree verify <proof file>`: checks a proof, vanilla or SNARK, against the statement it carries. */
import type { Command } from "commander";
import { platform } from "#platform";
import { toHex } from "../../base/bytes.ts";
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import { proverId, sealProof, sectorParams } from "../../sector/params.ts";
import { pieceCidV1, sealedCid } from "../../sector/piece/cid.ts";
import { verifyPoSt } from "../../sector/post/post-proof.ts";
import { verifyPoRep } from "../../sector/seal/porep-proof.ts";
import { type ProofVerdict, readVerifyingKey, VerifyingKeyError } from "../../sector/snark/groth16.ts";
import { verifyPoStProof, verifySealProof } from "../../sector/snark/verify.ts";
import { UsageError } from "../errors.ts";
import { type ProofFile, readProof, type SnarkFile, type VanillaFile } from "../sector-record.ts";
import { sizeText } from "../terminal.ts";

/** Exit code of a proof that does not hold. */
const EXIT_INVALID = 2;

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description("check a proof, vanilla openings or a SNARK; exit code 2 if it does not hold")
    .argument("<file>", "a proof made by `filigree prove`")
    .option("--key <file>", "for a SNARK: the circuit's verifying key (.vk), or its parameters (.params)")
    .option("--json", "print one JSON object: kind, holds, reason")
    .action(run);
}

async function run(file: string, options: { readonly key?: string; readonly json?: true }): Promise<void> {
  const proof = await readProof(file);
  if ("snark" in proof && options.key === undefined)
    throw new UsageError("a SNARK needs the verifying key of its circuit: --key <file>");
  const key = options.key === undefined ? null : await readKey(options.key);
  const proofs = await loadProofs();
  let holds = false;
  let reason = "does not hold";
  try {
    if ("snark" in proof) {
      const verdict = await checkSnark(proofs, proof, key as Uint8Array);
      holds = verdict === "VALID";
      reason = `does not hold: ${verdict}`;
    } else holds = await check(proofs, proof);
  } catch (error) {
    if (error instanceof VerifyingKeyError) throw error;
    // A file of the wrong shape fails wherever it is first touched; it is no proof.
    reason = `is malformed: ${error instanceof Error ? error.message : String(error)}`;
  }
  const text = holds ? "the proof holds" : `the proof ${reason}`;
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ kind: proof.kind, holds, reason: text })}\n`);
  } else {
    for (const line of describe(proof)) process.stdout.write(`${line}\n`);
    process.stdout.write(`${text}\n`);
  }
  if (!holds) process.exitCode = EXIT_INVALID;
}

async function check(proofs: Proofs, proof: VanillaFile): Promise<boolean> {
  if (proof.kind === "porep") {
    const { sealProof: number, actorId, ...statement } = proof;
    const identity = { proof: sealProof(number), proverId: proverId(BigInt(actorId)) };
    return verifyPoRep(proofs, { ...statement, ...identity }, proof.partitions);
  }
  const { kind, sectorBytes, randomness, sectors, partitions } = proof;
  return verifyPoSt(proofs, { params: sectorParams(sectorBytes), kind, randomness, sectors }, partitions);
}

const HEAD_BYTES = 868;
/** Most bytes of a verifying key: that of window PoSt at 32 GiB has 2.5 MB. */
const MOST_KEY_BYTES = 2 ** 24;

/** The verifying key that a file holds or, as parameters do, begins with. */
async function readKey(file: string): Promise<Uint8Array> {
  const size = await platform.fileSize(file);
  if (size === null) throw new UsageError(`no file ${file}`);
  const head = await platform.readRange(file, 0, Math.min(size, HEAD_BYTES));
  const points = head.length < HEAD_BYTES ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(HEAD_BYTES - 4);
  const length = HEAD_BYTES + 96 * points;
  if (points === 0 || length > Math.min(size, MOST_KEY_BYTES)) throw new UsageError(`${file} holds no verifying key`);
  return platform.readRange(file, 0, length);
}

/** A proof's verdict under a verifying key. Throws for a key that cannot be read. */
async function checkSnark(proofs: Proofs, proof: SnarkFile, bytes: Uint8Array): Promise<ProofVerdict> {
  const key = readVerifyingKey(proofs, bytes);
  const entropy = platform.randomBytes(32);
  if (proof.kind === "porep") {
    const { sealProof: number, actorId, snark, ...statement } = proof;
    const identity = { proof: sealProof(number), proverId: proverId(BigInt(actorId)) };
    return verifySealProof(proofs, { key, statement: { ...statement, ...identity }, proof: snark, entropy });
  }
  const { kind, sectorBytes, randomness, sectors, snark } = proof;
  const params = sectorParams(sectorBytes);
  return verifyPoStProof(proofs, { key, params, kind, randomness, sectors, proof: snark, entropy });
}

/** A registered seal proof as the network calls it, with its number. Source: go-state-types abi/sector.go. */
export function sealProofName(number: number): string {
  const { sectorBytes, legacy, feature } = sealProof(number);
  const size = sizeText(sectorBytes).replace(".0 ", "");
  const kinds = {
    interactive: legacy ? "V1" : "V1_1",
    synthetic: "V1_1_Feat_SyntheticPoRep",
    "non-interactive": "V1_2_Feat_NonInteractivePoRep",
  };
  return `StackedDrg${size}${kinds[feature]} (${number})`;
}

/** What was proved, for people; nothing if even that cannot be read. */
function describe(proof: ProofFile): string[] {
  try {
    if (proof.kind === "porep")
      return [
        `replication of sector ${proof.sectorNumber} of miner ${proof.actorId}, seal proof ${sealProofName(proof.sealProof)}`,
        `unsealed CID  ${pieceCidV1(proof.commD)}`,
        `sealed CID    ${sealedCid(proof.commR)}`,
        `seed          ${toHex(proof.seed)}`,
      ];
    const numbers = proof.sectors.map(({ sectorNumber }) => sectorNumber).join(", ");
    return [`${proof.kind} proof of spacetime of sectors ${numbers}`, `randomness    ${toHex(proof.randomness)}`];
  } catch {
    return [];
  }
}
