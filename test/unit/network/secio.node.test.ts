/** A host of ours that offers secio, and peers that have nothing else, or have more. */
import { generateKeyPair } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import type { ConnectionEncrypter } from "@libp2p/interface";
import { mplex } from "@libp2p/mplex";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p, type Libp2p } from "libp2p";
import { afterEach, expect, test } from "vitest";
import { secio } from "../../../src/network/secio.ts";
import { plainChain } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode, until } from "../../support/network.ts";

const chain = plainChain([0, 1, 2], 2);
let ours: TestNode | undefined;
let theirs: Libp2p | undefined;
afterEach(async () => {
  await Promise.all([ours?.network.close(), theirs?.stop()]);
});
const warnings: string[] = [];
const ourSecio = secio((text) => warnings.push(text));

async function peer(encrypters: readonly ((components: never) => ConnectionEncrypter)[]) {
  theirs = await createLibp2p({
    privateKey: await generateKeyPair("Ed25519"),
    transports: [tcp()],
    connectionEncrypters: [...encrypters] as never,
    streamMuxers: [mplex()],
    services: { identify: identify() },
  });
  return theirs;
}

test("with a peer that has nothing else secio over mplex is spoken, and hello is said", async () => {
  ours = await openTestNode(chainSource(chain), undefined, undefined, { extraEncrypters: [ourSecio] });
  const made = await peer([ourSecio]);
  const heard: string[] = [];
  await made.handle("/fil/hello/1.0.0", (stream) => {
    heard.push(stream.protocol);
    stream.abort(new Error("enough"));
  });
  const connection = await made.dial(multiaddr(ours.network.addresses()[0] as string));
  expect([connection.encryption, connection.multiplexer]).toEqual(["/secio/1.0.0", "/mplex/6.7.0"]);
  await until("hello", () => heard.length > 0);
  expect(warnings[0]).toContain("deprecated");
});

test("with a peer that has Noise too, Noise is spoken", async () => {
  ours = await openTestNode(chainSource(chain), undefined, undefined, { extraEncrypters: [ourSecio] });
  const connection = await (await peer([noise(), ourSecio])).dial(multiaddr(ours.network.addresses()[0] as string));
  expect(connection.encryption).toBe("/noise");
});

test("without it nothing is said in secio", async () => {
  ours = await openTestNode(chainSource(chain));
  const made = await peer([ourSecio]);
  await expect(made.dial(multiaddr(ours.network.addresses()[0] as string))).rejects.toThrow();
  expect(ours.network.connected()).toEqual([]);
});
