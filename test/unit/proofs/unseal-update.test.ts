/** Data of an update out of the new replica, with and without the labels that the first was made of. */
import { expect, test } from "vitest";
import { loadProofs } from "../../../src/core/proofs.ts";
import { SectorError, sealProof, sectorParams } from "../../../src/sector/params.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { sealSector } from "../../../src/sector/seal/seal.ts";
import { layerFile, MemorySectorStore, SEALED_FILE, UNSEALED_FILE, updateStore } from "../../../src/sector/store.ts";
import { unsealUpdate, updateSector } from "../../../src/sector/update/update.ts";

test("any range comes out of the updated replica as it went in; others and missing files are named", async () => {
  const proofs = await loadProofs();
  const [proof, params] = [sealProof(5), sectorParams(2048)];
  const identity = { proof, proverId: new Uint8Array(32).fill(1), sectorNumber: 9, ticket: new Uint8Array(32).fill(2) };
  const old = new MemorySectorStore();
  await old.write(UNSEALED_FILE, 0, new Uint8Array(2048));
  const { commR: commROld, commD: commDOld } = await sealSector(proofs, old, identity);
  const next = updateStore(old);
  const data = Uint8Array.from({ length: 2032 }, (_, i) => (i * 37 + (i >> 7)) & 0xff);
  await stagePieces(proofs, next, params, [{ payloadSize: data.length, bytes: [data] }]);
  const { commDNew } = await updateSector(proofs, { params, old, next, commROld });
  const unseal = (from: number, length: number) =>
    unsealUpdate(proofs, { old, next }, { identity, commROld, commDOld, commDNew, from, length });
  // Neither the first replica nor the data are needed.
  for (const file of [SEALED_FILE, UNSEALED_FILE]) await old.remove(file);
  await next.remove(UNSEALED_FILE);
  for (const labels of ["kept", "gone"]) {
    if (labels === "gone") await old.remove(layerFile(params.layers));
    // The halves of the sector have factors of their own.
    for (const [from, length] of [
      [0, 2032],
      [0, 0],
      [1, 1],
      [1000, 40],
      [2031, 1],
    ] as const)
      expect(await unseal(from, length), labels).toEqual(data.slice(from, from + length));
  }
  await expect(unseal(2000, 33)).rejects.toThrow(SectorError);
  await next.remove(SEALED_FILE);
  await expect(unseal(0, 1)).rejects.toMatchObject({ data: { code: "BAD_LENGTH" } });
});
