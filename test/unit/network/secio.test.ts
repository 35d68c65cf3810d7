/** secio against the handshakes of a peer of 2020, and against what a peer may change in them. */
import { privateKeyFromProtobuf } from "@libp2p/crypto/keys";
import type { MessageStream, PeerId } from "@libp2p/interface";
import { streamPair } from "@libp2p/utils";
import { beforeAll, expect, test } from "vitest";
import { platform } from "#platform";
import { concat, equal, fromHex, fromUtf8, toHex, utf8 } from "../../../src/base/bytes.ts";
import { isFilError } from "../../../src/base/errors.ts";
import { SECIO_WARNING, secio } from "../../../src/network/secio.ts";
import { agree, type Curve, SECIO_OFFER, type SecioBox, stretch } from "../../../src/network/secio-crypto.ts";
import fixture from "../../fixtures/network/secio.json" with { type: "json" };

beforeAll(() => platform.peerToPeer());

type Run = (typeof fixture.runs)[number];
/** The peer of a recording: takes what is sent and says what it said then. */
async function replay(run: Run, received: Uint8Array, expected?: PeerId) {
  const [ours, theirs] = await streamPair();
  const sent: Uint8Array[] = [];
  theirs.addEventListener("message", ({ data }) => sent.push(data.slice()));
  const curve = run.curve as Curve;
  const algorithm = { name: "ECDH", namedCurve: curve };
  const key = await crypto.subtle.importKey("pkcs8", fromHex(run.ephemeral.private).slice(), algorithm, false, [
    "deriveBits",
  ]);
  const warnings: string[] = [];
  const encrypter = secio((text) => warnings.push(text), {
    nonce: () => fromHex(run.nonce),
    ephemeral: async () => ({
      publicKey: fromHex(run.ephemeral.public),
      async shared(bytes) {
        const other = await crypto.subtle.importKey("raw", bytes.slice(), algorithm, false, []);
        const bits = curve === "P-256" ? 256 : 384;
        return new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: other }, key, bits));
      },
    }),
  })({ privateKey: privateKeyFromProtobuf(fromHex(run.identity)) });
  theirs.send(received);
  const options = expected === undefined ? {} : { remotePeer: expected };
  const secured = encrypter.secureOutbound(ours, { signal: AbortSignal.timeout(10_000), ...options });
  return { secured, sent: () => concat(...sent), warnings, theirs };
}
async function words(connection: MessageStream, length: number): Promise<string> {
  let all: Uint8Array = new Uint8Array(0);
  return new Promise((resolve, reject) => {
    if (connection.status !== "open") reject(new Error(`the connection is ${connection.status}`));
    connection.addEventListener("message", ({ data }) => {
      all = concat(all, data.subarray());
      if (all.length >= length) resolve(fromUtf8(all));
    });
    connection.addEventListener("close", ({ error }) => reject(error ?? new Error("closed")));
  });
}

/** The recorded run offered one curve only; a proposal with both has other digests, so they are offered as then. */
test.each(fixture.runs.map((run) => [run.peerKey, run.curve, run] as const))(
  "a peer with a key of %s over %s: the same bytes both ways",
  async (_key, _curve, run) => {
    const { secured, sent, warnings } = await replay(run, fromHex(run.received));
    const { connection, remotePeer } = await secured;
    expect(remotePeer.toString()).toBe(run.peer);
    expect(warnings).toEqual([SECIO_WARNING]);
    expect(await words(connection, run.theyAre.length)).toBe(run.theyAre);
    for (const text of run.weSaid) connection.send(utf8(text));
    const all = fromHex(run.sent);
    await expect.poll(() => sent().length, { timeout: 60_000 }).toBe(all.length);
    expect(toHex(sent())).toBe(run.sent);
  },
);

test("a changed byte anywhere in what the peer says ends in an error, never in a connection with other words", async () => {
  const run = fixture.runs[0] as Run;
  const good = fromHex(run.received);
  for (let at = 0; at < good.length; at += 7) {
    const changed = good.slice();
    changed[at] = (changed[at] as number) ^ 0x10;
    const { secured, theirs } = await replay(run, changed);
    const outcome = secured.then(({ connection }) => words(connection, run.theyAre.length));
    // A length that grew waits for more, which never comes: the peer hangs up.
    const hangUp = setTimeout(() => theirs.abort(new Error("hung up")), 300);
    await expect(outcome, `byte ${at}`).rejects.toThrow();
    clearTimeout(hangUp);
  }
});

test("another peer than the one dialled is refused by name", async () => {
  const [run, other] = fixture.runs as [Run, Run];
  const { remotePeer } = await (await replay(other, fromHex(other.received))).secured;
  const { secured } = await replay(run, fromHex(run.received), remotePeer);
  await expect(secured).rejects.toMatchObject({ code: "SECIO_WRONG_PEER" });
});

test("what the two sides have in common, and nothing else, is chosen by the same order on both", () => {
  const proposal = (byte: number, over = {}) => ({
    rand: new Uint8Array(16).fill(byte),
    publicKey: new Uint8Array(36).fill(byte),
    ...SECIO_OFFER,
    ...over,
  });
  const [a, b] = [proposal(1), proposal(2, { exchanges: "P-521,P-384,P-256", ciphers: "Blowfish,AES-128,AES-256" })];
  const [mine, theirs] = [agree(a, b), agree(b, a)];
  expect({ ...mine, isFirst: 0 }).toEqual({ ...theirs, isFirst: 0 });
  expect(mine.isFirst).not.toBe(theirs.isFirst);
  const failure = (over: object): unknown => {
    try {
      return agree(a, proposal(2, over));
    } catch (error) {
      return isFilError(error) ? error.code : error;
    }
  };
  expect(failure({ exchanges: "P-521" })).toBe("SECIO_NOTHING_IN_COMMON");
  expect(failure({ ciphers: "NULL" })).toBe("SECIO_NOTHING_IN_COMMON");
  expect(failure({ hashes: "" })).toBe("SECIO_NOTHING_IN_COMMON");
  expect(failure({ rand: a.rand, publicKey: a.publicKey })).toBe("SECIO_SELF");
});

test("boxes are one stream, whatever their lengths", () => {
  const agreement = { curve: "P-256", cipher: "AES-128", hash: "SHA512" } as const;
  const secret = new Uint8Array(32).fill(3);
  const closing: SecioBox = stretch({ ...agreement, isFirst: true }, secret).own;
  const opening: SecioBox = stretch({ ...agreement, isFirst: false }, secret).theirs;
  for (const length of [0, 1, 15, 16, 17, 5, 64, 1000, 3]) {
    const plain = new Uint8Array(length).fill(length);
    expect(equal(opening.open(closing.close(plain)), plain)).toBe(true);
  }
});
