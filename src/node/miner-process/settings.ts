/** What a miner's folder says of the miner: one record in its store, as JSON. It is written last when the folder is made. */
import { fromHex, fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import { FilError } from "../../base/errors.ts";
import { SECTOR_SIZES } from "../../params/proving.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";

export type MinerFolderErrorData =
  /** The folder holds no miner. */
  | { readonly code: "NOT_INITIALISED" }
  /** There is one already. */
  | { readonly code: "NOT_EMPTY"; readonly miner: string }
  | { readonly code: "BAD_SETTINGS"; readonly field: string }
  /** The node is of another network than the miner. */
  | { readonly code: "OTHER_NETWORK"; readonly wanted: string; readonly found: string }
  /** Nobody here has the key that must sign. */
  | { readonly code: "NO_KEY"; readonly address: string }
  /** A node mines with it. */
  | { readonly code: "MINED_ELSEWHERE"; readonly miner: string }
  | { readonly code: "UNKNOWN_MINER"; readonly miner: string }
  /** The network's keys are not those of the setup that it names. */
  | { readonly code: "OTHER_KEYS"; readonly setup: string }
  /** What the network demands is not done by a process of its own. */
  | { readonly code: "NOT_SUPPORTED"; readonly what: string };
export class MinerFolderError extends FilError<MinerFolderErrorData> {}

export type MinerSettings = {
  /** ID address. */
  readonly miner: Address;
  readonly networkName: string;
  /** CID of the genesis block. */
  readonly genesis: string;
  /** Registered seal proof of its sectors. */
  readonly sealProof: number;
  readonly sectorBytes: number;
  /** Sectors that the genesis gave it; their files lie in the folder as those of others. */
  readonly presealed: readonly { readonly number: number; readonly commR: Uint8Array }[];
};

const FACT = "miner/settings";
const FORMAT = 1;
const MAX_PRESEALED = 100_000;
/** Seal proofs of the first version, by the order of sizes. */
const MAX_SEAL_PROOF = 14;

export async function readSettings(store: Pick<BlockStore, "metadata">): Promise<MinerSettings | null> {
  const found = await store.metadata(FACT);
  return found === undefined ? null : parseSettings(fromUtf8(found));
}

export async function writeSettings(store: Pick<BlockStore, "write">, settings: MinerSettings): Promise<void> {
  const { miner, presealed, ...rest } = settings;
  const record = {
    format: FORMAT,
    ...rest,
    miner: miner.toString(),
    presealed: presealed.map(({ number, commR }) => ({ number, commR: toHex(commR) })),
  };
  await store.write({ metadata: [[FACT, utf8(JSON.stringify(record))]] }, { sync: true });
}

/** Throws `MinerFolderError` BAD_SETTINGS naming the field. */
export function parseSettings(text: string): MinerSettings {
  const bad = (field: string): never => {
    throw new MinerFolderError(
      { code: "BAD_SETTINGS", field },
      `the miner's folder says of itself something unknown: ${field}`,
    );
  };
  try {
    const record = JSON.parse(text);
    const { format, miner, networkName, genesis, sealProof, sectorBytes, presealed } = record;
    if (format !== FORMAT) bad("format");
    if (typeof networkName !== "string" || typeof genesis !== "string") bad("network");
    if (!Number.isInteger(sealProof) || sealProof < 0 || sealProof > MAX_SEAL_PROOF) bad("sealProof");
    if (!SECTOR_SIZES.includes(sectorBytes)) bad("sectorBytes");
    if (!Array.isArray(presealed) || presealed.length > MAX_PRESEALED) bad("presealed");
    return {
      ...{ networkName, genesis, sealProof, sectorBytes },
      miner: Address.parse(miner),
      presealed: presealed.map(({ number, commR }: { number: unknown; commR: string }) => {
        const bytes = fromHex(commR);
        if (!Number.isSafeInteger(number) || (number as number) < 0 || bytes.length !== 32) bad("presealed");
        return { number: number as number, commR: bytes };
      }),
    };
  } catch (error) {
    if (error instanceof MinerFolderError) throw error;
    return bad("its form");
  }
}
