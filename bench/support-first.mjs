/**
 * From nothing to a machine's first message with what the package's entries export and nothing else: the encodings that a state needs are
 * written out here, as a library of them would be loaded and counted beside the machine.
 */
const head = (major, n) => {
  if (n < 24) return [(major << 5) | n];
  if (n < 256) return [(major << 5) | 24, n];
  if (n < 65_536) return [(major << 5) | 25, n >> 8, n & 255];
  return [(major << 5) | 26, ...[24, 16, 8, 0].map((bits) => (n >>> bits) & 255)];
};

/** DAG-CBOR of numbers, bytes, texts, lists, CIDs and maps of one name. */
function write(value, out) {
  if (typeof value === "number") out.push(...head(0, value));
  else if (typeof value === "string") out.push(...head(3, value.length), ...new TextEncoder().encode(value));
  else if (value instanceof Uint8Array) out.push(...head(2, value.length), ...value);
  else if (Array.isArray(value)) {
    out.push(...head(4, value.length));
    for (const one of value) write(one, out);
  } else if (value.multihash !== undefined) out.push(0xd8, 42, ...head(2, value.bytes.length + 1), 0, ...value.bytes);
  else {
    const [[name, inner]] = Object.entries(value);
    out.push(...head(5, 1));
    write(name, out);
    write(inner, out);
  }
  return out;
}

const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
const FIRST = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const ROUNDS = primes.map((p) => fraction(Math.cbrt(p)));
const turn = (x, n) => (x >>> n) | (x << (32 - n));

/** SHA-256 of at most 55 bytes: one block. */
function sha256(bytes) {
  const block = new DataView(new ArrayBuffer(64));
  bytes.forEach((byte, i) => {
    block.setUint8(i, byte);
  });
  block.setUint8(bytes.length, 0x80);
  block.setUint32(60, bytes.length * 8);
  const w = Array.from({ length: 16 }, (_, i) => block.getInt32(i * 4));
  let [a, b, c, d, e, f, g, h] = FIRST;
  for (let i = 0; i < 64; i++) {
    if (i >= 16) {
      const [x, y] = [w[i - 15], w[i - 2]];
      const low = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
      w[i] = (w[i - 16] + low + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10))) | 0;
    }
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  }
  const out = new DataView(new ArrayBuffer(32));
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    out.setInt32(i * 4, word + FIRST[i]);
  });
  return out;
}

/** A HAMT of the early encoding; see `src/storage/hamt-build.ts`. Its few entries share no more than three levels. */
function hamt(entries, putObject, depth = 0) {
  const slots = new Map();
  for (const entry of entries) {
    const digest = sha256(entry[0]);
    const bit = depth * 5;
    const slot = (digest.getUint16(bit >> 3) >> (11 - (bit & 7))) & 31;
    if (!slots.has(slot)) slots.set(slot, []);
    slots.get(slot).push(entry);
  }
  let field = 0;
  const pointers = [...slots]
    .sort(([a], [b]) => a - b)
    .map(([slot, list]) => {
      field = (field | (1 << slot)) >>> 0;
      if (list.length > 3) return { 0: hamt(list, putObject, depth + 1) };
      return { 1: list.sort(([a], [b]) => Buffer.compare(a, b)) };
    });
  const bytes = [24, 16, 8, 0].map((bits) => (field >>> bits) & 255);
  return putObject([Uint8Array.from(bytes.slice(bytes.findIndex((byte) => byte !== 0))), pointers]);
}

/** BLS address of an account: no key stands behind it. */
function accountAddress(Address, index) {
  const bytes = new Uint8Array(49);
  bytes[0] = 3;
  new DataView(bytes.buffer).setUint32(40, index);
  return Address.fromBytes(bytes);
}

/** The state that `makeState` of `support-state.mjs` makes, which the bench compares. */
export function smallState({ Address, MemoryStore, bigToBytes, cidOfBlock, cidOfText }, count) {
  const store = new MemoryStore();
  const putObject = (value) => {
    const bytes = Uint8Array.from(write(value, []));
    const cid = cidOfBlock(bytes);
    store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
    return cid;
  };
  const code = (name) => cidOfText(`fil/2/${name}`);
  const balance = bigToBytes(10n ** 24n);
  const id = (n) => Address.id(n).bytes;
  const account = code("account");
  const address = (i) => accountAddress(Address, i).bytes;
  const empty = putObject([]);
  const shared = putObject([address(0)]);
  const all = Array.from({ length: count }, (_, i) => i);
  const map = hamt(
    all.map((i) => [address(i), 100 + i]),
    putObject,
  );
  const init = putObject([map, 100 + count, "bench"]);
  const actors = [
    ...all.map((i) => [id(100 + i), [account, shared, 0, balance]]),
    [id(0), [code("system"), empty, 0, new Uint8Array(0)]],
    [id(1), [code("init"), init, 0, new Uint8Array(0)]],
    [id(2), [code("reward"), empty, 0, balance]],
    [id(99), [account, empty, 0, new Uint8Array(0)]],
  ];
  return { store, root: putObject([1, hamt(actors, putObject), empty]) };
}

/** The state as it is given: its root and its blocks, base64. */
export function textOfState({ store, root }) {
  const text = (bytes) => Buffer.from(bytes).toString("base64");
  const blocks = [...store.entries()].map(({ key, bytes }) => [text(Buffer.from(key, "latin1")), text(bytes)]);
  return JSON.stringify([text(root.bytes), blocks]);
}

function givenState({ MemoryStore, cidFromBytes }, text) {
  const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
  const [root, blocks] = JSON.parse(text);
  const store = new MemoryStore();
  store.writeNow({ blocks: blocks.map(([cid, bytes]) => ({ cid: bytesOf(cid), bytes: bytesOf(bytes) })) });
  return { store, root: cidFromBytes(bytesOf(root)) };
}

/**
 * Makes the state, or takes the one that is given, opens a machine on it and executes a send. `names`: what `filigree/vm` and
 * `filigree/codec` export.
 */
export async function firstMessage(names, given) {
  const { store, root } = given === undefined ? smallState(names, 10) : givenState(names, given);
  const none = () => {
    throw new Error("no plain send asks for this");
  };
  const host = { peek: (cid) => store.peek(cid) };
  for (const name of ["ticketRandomness", "beaconRandomness", "verifyPoSt", "verifySeal"]) host[name] = none;
  const vm = await names.Vm.create(host);
  vm.open({ stateRoot: root, epoch: 150_000, networkVersion: 5, baseFee: 100n, circulatingSupply: 10n ** 27n });
  const message = names.encodeMessage({
    to: accountAddress(names.Address, 3),
    from: accountAddress(names.Address, 7),
    nonce: 0n,
    value: 1000n,
    gasLimit: 1_000_000n,
    gasFeeCap: 200n,
    gasPremium: 1n,
    method: 0n,
    params: new Uint8Array(0),
  });
  const { exitCode } = vm.apply(message, message.length);
  if (exitCode !== 0) throw new Error(`the send failed with exit code ${exitCode}`);
  vm.flush();
}
