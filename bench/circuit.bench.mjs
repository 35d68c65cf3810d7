/** The network's circuits for 2 KiB sectors: witnesses, and counting those of large ones. Nobody else has them in WebAssembly. */
import { readFileSync } from "node:fs";
import { loadProofs } from "../dist/core/proofs.js";
import { porepId, proverId, sealProof, sectorParams } from "../dist/sector/params.js";
import { stagePieces } from "../dist/sector/piece/stage.js";
import { provePoSt } from "../dist/sector/post/post-proof.js";
import { provePoRep } from "../dist/sector/seal/porep-proof.js";
import { sealSector } from "../dist/sector/seal/seal.js";
import { assignCircuit, circuitShape, countCircuit } from "../dist/sector/snark/circuit.js";
import { porepWitness, postWitness } from "../dist/sector/snark/witness.js";
import { MemoryStore } from "../dist/sector/store.js";

export const title = "Circuits";

const params = sectorParams(2048);
const bytes = (length, factor) => Uint8Array.from({ length }, (_, i) => (i * factor + 7) & 0x3f);

async function sealedSector(proofs) {
  const proof = sealProof(5);
  const identity = { proof, proverId: proverId(1000n), sectorNumber: 1, ticket: bytes(32, 3) };
  const store = new MemoryStore();
  await stagePieces(proofs, store, params, [{ payloadSize: 2032, bytes: [bytes(2032, 5)] }]);
  return { identity, store, sealed: await sealSector(proofs, store, identity, { params, porepId: porepId(proof) }) };
}

async function witnesses(proofs) {
  const { identity, store, sealed } = await sealedSector(proofs);
  const sectors = [{ sectorNumber: 1, commR: sealed.commR, store }];
  const list = [];
  for (const kind of ["winning", "window"]) {
    const [partition] = await provePoSt(proofs, { params, kind, randomness: bytes(32, 11), sectors });
    list.push([
      `${kind}-2048`,
      postWitness(
        kind,
        partition,
        partition.map(() => sectors[0]),
      ),
    ]);
  }
  const partition = await provePoRep(proofs, store, { identity, sealed, seed: bytes(32, 13), partition: 0 });
  return [...list, ["porep-2048", porepWitness(sealed, partition)]];
}

export async function cases() {
  const proofs = await loadProofs();
  const list = [];
  for (const [name, witness] of await witnesses(proofs)) {
    const shape = circuitShape(name);
    const counts = countCircuit(proofs, shape);
    const aux = proofs.take(32 * (counts.inputs + counts.aux));
    const rows = [0, 1, 2].map(() => proofs.take(32 * counts.rows));
    const to = { inputs: aux, aux: aux + 32 * counts.inputs, a: rows[0], b: rows[1], c: rows[2] };
    list.push({
      name: `witness of ${name}, ${counts.rows} rows, with their values`,
      ops: counts.rows,
      contestants: { ours: () => assignCircuit(proofs, { shape, witness, counts }, to) },
    });
  }
  const { shapes } = JSON.parse(
    readFileSync(new URL("../test/fixtures/proofs/circuits.json", import.meta.url), "utf8"),
  );
  for (const name of ["window-34359738368", "porep-34359738368"]) {
    const { constraints, inputs } = shapes.find(({ circuit }) => circuit === name);
    list.push({
      name: `counting ${name}, ${constraints} constraints`,
      ops: constraints,
      contestants: {
        ours: () => {
          if (countCircuit(proofs, circuitShape(name)).rows !== constraints + inputs) throw new Error("miscounted");
        },
      },
    });
  }
  return list;
}
