/** The graphs of 32 and 64 GiB sectors: 2^30 and 2^31 nodes, where numbers pass 31 and 32 bits. */
import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { porepId, sealProof, sectorParams } from "../../../src/sector/params.ts";
import { parentsOf, withGraph, withMemory } from "../../../src/sector/seal/kit.ts";
import { fixture, prng } from "./fixture.ts";
import { plainLabel } from "./sparse-sector.ts";

type Rows = {
  nodes: number;
  registeredSealProof: number;
  size: string;
  nodeBaseExpanded: [number, number[], number[]][];
};
const { parents: official } = await fixture<{ parents: Rows[] }>("challenges.json");
const proofs = await loadProofs();

function graphOf<Result>(number: number, work: (graph: number, nodes: number) => Promise<Result>): Promise<Result> {
  const proof = sealProof(number);
  const params = sectorParams(proof.sectorBytes);
  return withGraph(proofs, params, porepId(proof), proof.legacy, (graph) => work(graph, params.nodes));
}

test.each(official)("parents in the graph of proof $registeredSealProof, $size", async (rows) => {
  await graphOf(rows.registeredSealProof, async (graph, nodes) => {
    expect(nodes).toBe(rows.nodes);
    expect(rows.nodeBaseExpanded.length).toBeGreaterThan(8);
    for (const [node, base, expander] of rows.nodeBaseExpanded)
      expect([node, ...parentsOf(proofs, graph, node)]).toEqual([node, ...base, ...expander]);
  });
});

test.each([0, 1, 2, 3, 4, 8])(
  "base parents of proof %i's graph lie before their node, one of them next to it",
  async (number) => {
    await graphOf(number, async (graph, nodes) => {
      expect(parentsOf(proofs, graph, 0).slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
      for (let i = 0; i < 500; i++) {
        const node = i < 100 ? 1 + (i % (nodes - 1)) : 1 + (Math.floor(i * 0.618_033_988 * nodes) % (nodes - 1));
        const parents = parentsOf(proofs, graph, node);
        const base = parents.slice(0, 6);
        expect(Math.max(...base)).toBe(node - 1);
        for (const parent of [...base, ...parents.slice(6)]) expect(parent >= 0 && parent < nodes).toBe(true);
      }
    });
  },
);

test("every node of the 2 KiB graph is an expander parent eight times", async () => {
  await graphOf(0, async (graph, nodes) => {
    const times = new Array<number>(nodes).fill(0);
    for (let node = 0; node < nodes; node++)
      for (const parent of parentsOf(proofs, graph, node).slice(6)) times[parent] = (times[parent] as number) + 1;
    expect(times).toEqual(new Array<number>(nodes).fill(8));
  });
});

type Sent = { readonly child: number; readonly place: number; readonly label: string };

/** Where the label of one node is sent: nodes of the next layer, and which of their expander parents it is. */
function sentFrom(graph: number, nodes: number, node: number, label: Uint8Array): Sent[] {
  // Windows of 2^24 nodes, because a record's place has 32 bits for the node in its window and 3 more.
  const shift = 24;
  const windows = nodes / 2 ** shift;
  const capacity = 64;
  return proofs.with(32 + 4 * windows + windows * capacity * 36, (at) => {
    const fills = at + 32;
    const buckets = fills + 4 * windows;
    proofs.instance.write(at, label);
    proofs.instance.wipe(fills, 4 * windows);
    expect(proofs.exports.scatterExpander(graph, at, node, 1, shift, 0, windows, fills, buckets, capacity)).toBe(1);
    const counts = new Uint32Array(proofs.instance.read(fills, 4 * windows).buffer);
    const out: Sent[] = [];
    counts.forEach((count, window) => {
      for (let i = 0; i < count; i++) {
        const record = proofs.instance.read(buckets + (window * capacity + i) * 36, 36);
        const place = new DataView(record.buffer).getUint32(0, true);
        const child = window * 2 ** shift + Math.floor(place / 8);
        out.push({ child, place: place % 8, label: toHex(record.subarray(4)) });
      }
    });
    return out;
  });
}

describe.each([3, 4, 8, 9])("labels are sent to the children they have in the graph of proof %i", (number) => {
  test("each node has the children whose parent it is", async () => {
    await graphOf(number, async (graph, nodes) => {
      const legacy = number < 5;
      // API 1.0.0 cut indexes to 32 bits: the parents are the first 2^29 nodes, with more children each.
      const parents = legacy ? 2 ** 29 : nodes;
      const some = [0, 1, 2 ** 29 - 1, 2 ** 29, 2 ** 30 - 1, nodes - 1];
      const random = new Uint32Array(prng(number, 160).buffer);
      for (const node of [...some, ...Array.from(random, (x) => x % nodes)]) {
        const label = prng(node % 1000, 32);
        const sent = sentFrom(graph, nodes, node, label);
        expect(sent.length).toBe(node < parents ? (8 * nodes) / parents : 0);
        expect(new Set(sent.map(({ child, place }) => child * 8 + place)).size).toBe(sent.length);
        for (const { child, place, label: carried } of sent) {
          expect(parentsOf(proofs, graph, child)[6 + place]).toBe(node);
          expect(carried).toBe(toHex(label));
        }
      }
    });
  });

  test("each of a node's expander parents sends to it", async () => {
    await graphOf(number, async (graph, nodes) => {
      for (const node of [0, 357913941, 2 ** 29 + 1, nodes - 1])
        parentsOf(proofs, graph, node)
          .slice(6)
          .forEach((parent, place) => {
            const found = sentFrom(graph, nodes, parent, prng(1, 32)).filter(
              (sent) => sent.child === node && sent.place === place,
            );
            expect(found.length).toBe(1);
          });
    });
  });

  test("a window's slots and edges name the parents of its nodes", async () => {
    await graphOf(number, async (graph, nodes) => {
      const [shift, count, capacity] = [21, 64, 1024];
      const windows = nodes / 2 ** shift;
      const from = nodes - 2 ** shift;
      await withMemory(proofs, 12 * windows + windows * capacity * 8 + 56 * count, async (at) => {
        const [bySource, byTarget, fills] = [at, at + 4 * windows, at + 8 * windows];
        const buckets = at + 12 * windows;
        const table = buckets + windows * capacity * 8;
        proofs.instance.wipe(at, 12 * windows);
        proofs.exports.windowParents(graph, from, count, table);
        const slots = new Uint32Array(proofs.instance.read(table, 56 * count).buffer);
        proofs.exports.countEdges(graph, from, count, shift, bySource, byTarget);
        expect(proofs.exports.sortEdges(graph, from, count, shift, fills, buckets, capacity)).toBe(count);
        expect(proofs.instance.read(fills, 4 * windows)).toEqual(proofs.instance.read(bySource, 4 * windows));
        const found = new Map<string, number>();
        const counts = new Uint32Array(proofs.instance.read(fills, 4 * windows).buffer);
        counts.forEach((edges, window) => {
          for (let i = 0; i < edges; i++) {
            const edge = proofs.instance.read(buckets + (window * capacity + i) * 8, 8);
            const view = new DataView(edge.buffer);
            const place = view.getUint32(4, true);
            found.set(`${view.getUint32(0, true)}/${place % 8}`, window * 2 ** shift + Math.floor(place / 8));
          }
        });
        let crossing = 0;
        for (let n = 0; n < count; n++) {
          const parents = parentsOf(proofs, graph, from + n);
          for (let i = 0; i < 6; i++) {
            const inside = (parents[i] as number) >= from;
            if (inside) expect(slots[14 * n + i]).toBe((parents[i] as number) - from);
            else expect(found.get(`${from + n}/${i}`)).toBe(parents[i]);
            if (!inside) crossing++;
          }
          for (let i = 0; i < 8; i++) expect(slots[14 * n + 6 + i]).toBe(8 * n + i);
        }
        expect(found.size).toBe(crossing);
        expect(crossing).toBeGreaterThan(count);
      });
    });
  });
});

test.each([8, 9])("the first labels of proof %i are those of the definition", async (number) => {
  const count = 2000;
  const replicaId = prng(77, 32);
  await graphOf(number, (graph) =>
    withMemory(proofs, 32 + count * (56 + 32), async (at) => {
      const [parents, labels] = [at + 32, at + 32 + 56 * count];
      proofs.instance.write(at, replicaId);
      proofs.exports.windowParents(graph, 0, count, parents);
      proofs.exports.labelRange(at, 1, labels, labels, parents, 0, 0n, count);
      const plain: Uint8Array[] = [];
      for (let node = 0; node < count; node++) {
        const own = parentsOf(proofs, graph, node)
          .slice(0, 6)
          .map((parent) => plain[parent] as Uint8Array);
        plain.push(plainLabel(replicaId, 1, node, own));
      }
      for (const node of [0, 1, 2, 1000, count - 1])
        expect(toHex(proofs.instance.read(labels + 32 * node, 32))).toBe(toHex(plain[node] as Uint8Array));
    }),
  );
});

test.each([2 ** 30 - 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5])("the label of node %i has its number whole", (node) => {
  const replicaId = prng(78, 32);
  const others = Array.from({ length: 14 }, (_, i) => prng(i, 32));
  proofs.with(32 + 56 + 15 * 32, (at) => {
    const labels = at + 88;
    proofs.instance.write(at, replicaId);
    proofs.instance.write(at + 32, new Uint8Array(Uint32Array.from({ length: 14 }, (_, i) => i).buffer));
    others.forEach((label, i) => {
      proofs.instance.write(labels + 32 * i, label);
    });
    proofs.exports.labelRange(at, 11, labels, labels, at + 32, 14, BigInt(node), 1);
    expect(toHex(proofs.instance.read(labels + 14 * 32, 32))).toBe(toHex(plainLabel(replicaId, 11, node, others)));
  });
});
