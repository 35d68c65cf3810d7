/**
 * Proofs of spacetime over a miner's own sectors. The vanilla proof is made from the replicas and checked in full; what
 * then becomes of it on the way to the chain is the network's matter (`succinct.ts`).
 */
import { type FilError, isFilError } from "../base/errors.ts";
import type { Proofs } from "../core/proofs.ts";
import { SECTOR_SIZES } from "../params/proving.ts";
import type { PriorityScheduler } from "../proving/priorities.ts";
import { type PlacedSector, provePoStDirectories } from "../proving/seal.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { toElement } from "../sector/kernel.ts";
import { KnownParents } from "../sector/merkle-path.ts";
import { SectorError, sectorParams } from "../sector/params.ts";
import { type PoStKind, type PoStPartitionProof, provePoSt } from "../sector/post/post-proof.ts";
import type { PoStProof } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { type HeldMiner, type OwnSector, replicaOf, type SealedOf } from "./own-sectors.ts";
import type { SuccinctPost } from "./succinct.ts";

/** Groups of registered PoSt proofs, of as many sector sizes each. Source: go-state-types abi/sector.go. */
const GROUPS: readonly PoStKind[] = ["winning", "window-legacy", "window"];

/** Registered PoSt proof of a sector size. */
function postType(kind: PoStKind, sectorBytes: number): number {
  return GROUPS.indexOf(kind) * SECTOR_SIZES.length + SECTOR_SIZES.indexOf(sectorBytes);
}

/** Parents in trees of small sectors that are remembered from proof to proof: those of 400 sectors of 2 KiB, 1 MB. */
const KNOWN_PARENTS = 4096;

export class PostProver {
  private readonly proofs: Proofs;
  private readonly succinct: SuccinctPost;
  private readonly jobs: () => PriorityScheduler | null;
  private readonly known = new KnownParents(KNOWN_PARENTS);

  /** `jobs`: workers that read sectors in directories; null: all is done in this thread. */
  constructor(proofs: Proofs, succinct: SuccinctPost, jobs: () => PriorityScheduler | null = () => null) {
    this.proofs = proofs;
    this.succinct = succinct;
    this.jobs = jobs;
  }

  /** Proves the sector that was drawn, with the replica that it had then. Throws `SectorError` FAULTY_SECTORS if its files do not prove it. */
  winning(miner: HeldMiner, randomness: Uint8Array, sector: number, sealed: CID): Promise<PoStProof> {
    return this.prove("winning", miner, randomness, [sector], async () => sealed);
  }

  /**
   * Proves sectors of one partition or more, as a network version wants it; throws `SectorError` FAULTY_SECTORS naming all
   * that cannot be proved.
   */
  window(
    miner: HeldMiner,
    randomness: Uint8Array,
    sectors: readonly number[],
    networkVersion: number,
    sealedOf: SealedOf,
  ): Promise<PoStProof> {
    const kind = chainRule("windowPostSecond", networkVersion) ? "window" : "window-legacy";
    return this.prove(kind, miner, randomness, sectors, sealedOf);
  }

  /**
   * Which of some sectors cannot be proved now, by trying the vanilla proof of each; `salt` varies what is looked at. One
   * after another: nothing is kept of what was opened.
   */
  async failing(
    miner: HeldMiner,
    numbers: readonly number[],
    salt: number,
    sealedOf: SealedOf,
  ): Promise<readonly number[]> {
    const randomness = new Uint8Array(32);
    new DataView(randomness.buffer).setUint32(0, salt);
    const bad: number[] = [];
    for (const number of numbers)
      await this.vanilla("window-legacy", miner, randomness, [number], sealedOf).catch((error: unknown) =>
        bad.push(...faultIn(error).data.sectors),
      );
    return bad;
  }

  private async prove(
    kind: PoStKind,
    miner: HeldMiner,
    randomness: Uint8Array,
    numbers: readonly number[],
    sealedOf: SealedOf,
  ): Promise<PoStProof> {
    const type = postType(kind, miner.sectorBytes);
    const { own, partitions } = await this.vanilla(kind, miner, randomness, numbers, sealedOf);
    const proofBytes = await this.succinct({
      kind,
      type,
      miner: miner.address.actorId as bigint,
      sectorBytes: miner.sectorBytes,
      randomness,
      sectors: own,
      partitions,
    });
    return { postProof: BigInt(type), proofBytes };
  }

  private async vanilla(
    kind: PoStKind,
    miner: HeldMiner,
    randomness: Uint8Array,
    numbers: readonly number[],
    sealedOf: SealedOf,
  ): Promise<{ readonly own: readonly OwnSector[]; readonly partitions: readonly PoStPartitionProof[] }> {
    const missing = numbers.filter((number) => !miner.sectors.has(number));
    const held = numbers.flatMap((number) => miner.sectors.get(number) ?? []);
    const own = await Promise.all(held.map((one) => replicaOf(one, sealedOf)));
    if (own.length === 0) throw cannotProve(missing, null);
    const statement = {
      kind,
      randomness: toElement(randomness),
    };
    const { sectorBytes } = miner;
    const jobs = this.jobs()?.at(kind === "winning" ? "winning" : "window") ?? null;
    // Every opening is verified as it is made, by whoever makes it.
    const proving =
      jobs === null
        ? provePoSt(this.proofs, {
            ...statement,
            params: sectorParams(sectorBytes),
            sectors: own.map(({ number, commR, store }) => ({ sectorNumber: number, commR, store })),
            known: this.known,
          })
        : provePoStDirectories(this.proofs, jobs, {
            ...statement,
            sectorBytes,
            sectors: await Promise.all(own.map(placed)),
          });
    const made = await proving.catch(faultIn);
    if (made instanceof Error || missing.length > 0) throw cannotProve(missing, made instanceof Error ? made : null);
    return { own, partitions: made };
  }
}

/** Where a sector's files are found now; what is not found in a directory is looked for as its store does. */
async function placed({ number, commR, store, directory, isUpdate = false }: OwnSector): Promise<PlacedSector> {
  const found = (await directory?.().catch(() => null)) ?? null;
  const sector = { sectorNumber: number, commR };
  return found === null ? { ...sector, store } : { ...sector, directory: found, isUpdate };
}

type Fault = FilError<{ readonly code: string; readonly sectors: readonly number[] }>;

/** The error, if it names sectors that cannot be proved; throws any other. */
export function faultIn(error: unknown): Fault {
  if (isFilError(error, "FAULTY_SECTORS")) return error as Fault;
  throw error;
}

function cannotProve(missing: readonly number[], failed: Fault | null): SectorError {
  const sectors = [...missing, ...(failed?.data.sectors ?? [])].sort((a, b) => a - b);
  const absent = missing.length === 0 ? "" : `sectors ${missing.join(", ")} are not in this miner's storage`;
  const text = [absent, failed?.message ?? ""].filter((part) => part !== "").join("; ");
  return new SectorError({ code: "FAULTY_SECTORS", sectors }, text, failed === null ? {} : { cause: failed });
}
