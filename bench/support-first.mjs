/**
 * From nothing to a machine's first message with what the package's entries export and nothing else, on a state that is there: its making is
 * not the machine's, and would count a library of CBOR and what the engine optimises of it.
 */

/** BLS address of an account: no key stands behind it. `Address`: the class of whoever asks. */
export function accountAddress(Address, index) {
  const bytes = new Uint8Array(49);
  bytes[0] = 3;
  new DataView(bytes.buffer).setUint32(40, index);
  return Address.fromBytes(bytes);
}

/** A plain send between two such accounts, on bench states. */
export function plainSend(Address, from, to, nonce) {
  return {
    to: accountAddress(Address, to),
    from: accountAddress(Address, from),
    nonce,
    value: 1000n,
    gasLimit: 1_000_000n,
    gasFeeCap: 200n,
    gasPremium: 1n,
    method: 0n,
    params: new Uint8Array(0),
  };
}

/** A state as text: its root and its blocks, base64. */
export function textOfState({ store, root }) {
  const text = (bytes) => Buffer.from(bytes).toString("base64");
  const blocks = [...store.entries()].map(({ key, bytes }) => [text(Buffer.from(key, "latin1")), text(bytes)]);
  return JSON.stringify([text(root.bytes), blocks]);
}

/** Opens a machine on a state given as text and executes a send. `names`: what `filigree/vm` and `filigree/codec` export. */
export async function firstMessage(names, given) {
  const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
  const [root, blocks] = JSON.parse(given);
  const store = new names.MemoryStore();
  store.writeNow({ blocks: blocks.map(([cid, bytes]) => ({ cid: bytesOf(cid), bytes: bytesOf(bytes) })) });
  const none = () => {
    throw new Error("no plain send asks for this");
  };
  const host = { peek: (cid) => store.peek(cid) };
  for (const name of ["ticketRandomness", "beaconRandomness", "verifyPoSt", "verifySeal"]) host[name] = none;
  const vm = await names.Vm.create(host);
  const stateRoot = names.cidFromBytes(bytesOf(root));
  vm.open({ stateRoot, epoch: 150_000, networkVersion: 5, baseFee: 100n, circulatingSupply: 10n ** 27n });
  const message = names.encodeMessage(plainSend(names.Address, 7, 3, 0n));
  const { exitCode } = vm.apply(message, message.length);
  if (exitCode !== 0) throw new Error(`the send failed with exit code ${exitCode}`);
  vm.flush();
}
