/** `filigree verify <proof file>`: checks a vanilla proof against the statement it carries. */
import type { Command } from "commander";
import { toHex } from "../../base/bytes.ts";
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import { proverId, sealProof, sectorParams } from "../../sector/params.ts";
import { pieceCidV1, sealedCid } from "../../sector/piece/cid.ts";
import { verifyPoSt } from "../../sector/post/post-proof.ts";
import { verifyPoRep } from "../../sector/seal/porep-proof.ts";
import { type ProofFile, readProof } from "../sector-record.ts";

/** Exit code of a proof that does not hold. */
const EXIT_INVALID = 2;

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description("check a vanilla proof; exit code 2 if it does not hold")
    .argument("<file>", "a proof made by `filigree prove`")
    .option("--json", "print one JSON object: kind, holds, reason")
    .action(run);
}

async function run(file: string, options: { readonly json?: true }): Promise<void> {
  const proof = await readProof(file);
  const proofs = await loadProofs();
  let holds = false;
  let reason = "does not hold";
  try {
    holds = await check(proofs, proof);
  } catch (error) {
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

async function check(proofs: Proofs, proof: ProofFile): Promise<boolean> {
  if (proof.kind === "porep") {
    const { sealProof: number, actorId, ...statement } = proof;
    const identity = { proof: sealProof(number), proverId: proverId(BigInt(actorId)) };
    return verifyPoRep(proofs, { ...statement, ...identity }, proof.partitions);
  }
  const { kind, sectorBytes, randomness, sectors, partitions } = proof;
  return verifyPoSt(proofs, { params: sectorParams(sectorBytes), kind, randomness, sectors }, partitions);
}

/** What was proved, for people; nothing if even that cannot be read. */
function describe(proof: ProofFile): string[] {
  try {
    if (proof.kind === "porep")
      return [
        `replication of sector ${proof.sectorNumber} of miner ${proof.actorId}, seal proof ${proof.sealProof}`,
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
