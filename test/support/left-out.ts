/** Tests that a runtime leaves to the others, with the reason: what needs no system runs in two of the three at least, but for large sectors. */

/**
 * Left to Node and Chromium, and why: what takes long, and runs the same modules in the same engine, V8; smaller tests of the
 * same rooms and other commands run here, too. `FILIGREE_DENO_ALL=1 npm run test:deno` runs them as well.
 */
export const NOT_IN_DENO: Readonly<Record<string, string>> = {
  "test/conformance/decode.node.test.ts": "states of the corpus, decoded; the corpus itself runs here",
  "test/docs/lost-sector-guide.node.test.ts": "commands of a guide",
  "test/docs/provider-guide.node.test.ts": "commands of a guide",
  "test/docs/retrieval-guide.node.test.ts": "commands of a guide",
  "test/docs/scenarios.node.test.ts": "commands of a guide",
  "test/docs/store-guide.node.test.ts": "commands of a guide",
  "test/e2e/client-data.node.test.ts": "commands",
  "test/e2e/elections.test.ts": "elections and proofs of a network; other networks with miners run here",
  "test/e2e/lab-command.node.test.ts": "commands",
  "test/e2e/miner-commands.node.test.ts": "commands",
  "test/e2e/node-commands.node.test.ts": "commands",
  "test/e2e/sector-commands.node.test.ts": "commands",
  "test/e2e/several-nodes.node.test.ts": "a network in one process; that of several processes runs here",
  "test/e2e/snark-commands.node.test.ts": "commands",
  "test/queue/options.node.test.ts": "the queue is for Node",
  "test/queue/queue.node.test.ts": "the queue is for Node",
  "test/unit/actors/miner-scenarios.test.ts": "actors; those of the corpus run here",
  "test/unit/actors/scenarios.test.ts": "actors; those of the corpus run here",
  "test/unit/base/big.test.ts": "arithmetic",
  "test/unit/crypto/secp256k1.test.ts": "arithmetic",
  "test/unit/ipld/canonical.test.ts": "arithmetic",
  "test/unit/ipld/operations.test.ts": "arithmetic",
  "test/unit/node/snapshots-miners.node.test.ts": "two networks of miners over deadlines",
  "test/unit/proofs/aggregate.test.ts": "arithmetic",
  "test/unit/proofs/circuit-large.node.test.ts": "circuits of large sectors",
  "test/unit/proofs/circuit.test.ts": "circuits; proofs of window PoSt run here",
  "test/unit/proofs/data-segment.test.ts": "arithmetic",
  "test/unit/proofs/hostile-arguments.test.ts": "every export of the module with wrong values",
  "test/unit/proofs/large-graph.test.ts": "graphs of large sectors",
  "test/unit/proofs/large-sector.test.ts": "trees and proofs of 32 and 64 GiB sectors",
  "test/unit/proofs/mutation.test.ts": "proofs with one thing wrong",
  "test/unit/proofs/paged.test.ts": "labels through files",
  "test/unit/proofs/porep.test.ts": "arithmetic",
  "test/unit/proofs/sector-8mib.test.ts": "sectors of 8 MiB",
  "test/unit/proving/seal-8mib.node.test.ts": "sectors of 8 MiB",
  "test/unit/proving/snark/official.node.test.ts": "keys and proofs of winning PoSt; those of window PoSt run here",
  "test/unit/proving/snark/prove.test.ts": "small circuits; proofs of window PoSt run here",
  "test/unit/sim/simulation.node.test.ts": "simulated nodes over a simulated network",
  "test/unit/vm/lookup.test.ts": "arithmetic",
};

/**
 * Left to Node and Deno, and why: what takes longest here, and asks a page for nothing that other tests do not ask it for.
 * `FILIGREE_PAGE_ALL=1 npm run test:browser` runs them as well, but those of large sectors.
 */
export const NOT_IN_A_PAGE: Readonly<Record<string, string>> = {
  "test/conformance/charges.test.ts": "gas charges one by one; the corpus runs here",
  "test/unit/fvm/out-of-gas.test.ts": "a limit for every syscall; syscalls beside the reference's run here",
  "test/unit/miner/sealing/machine.test.ts":
    "the life of sectors on a chain that is told; networks with miners run here",
  "test/unit/miner/sealing/updates.test.ts": "the same",
  "test/unit/mpool/pool.test.ts": "the pool by itself; networks run here",
  "test/unit/node/fork-whole.test.ts": "fetching a state from a node that is told",
  "test/unit/proving/snark/quotient.test.ts": "quotients by parts; whole proofs run here",
  "test/unit/sync/syncer.test.ts": "synchronisation with peers that are told; a page synchronises here",
};

/** Half a minute each, for sectors that no page proves. */
export const LARGE: Readonly<Record<string, string>> = {
  "test/unit/proofs/large-sector.test.ts": "sectors of 32 and 64 GiB",
  "test/unit/proofs/paged.test.ts": "sectors of 32 and 64 GiB",
};
