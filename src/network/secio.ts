/**
 * secio, libp2p's encryption of before 2020, for peers that know nothing better: pass `secio()` to `extraEncrypters`.
 *
 * WARNING: secio is deprecated, was never proven, and its authentication and lengths are weaker than those of Noise. It
 * is off unless asked for, and even then spoken only with peers that offer neither Noise nor TLS, or that ask for it.
 * Source: go-libp2p-secio protocol.go.
 */
import { publicKeyFromProtobuf, publicKeyToProtobuf } from "@libp2p/crypto/keys";
import type {
  AbortOptions,
  ConnectionEncrypter,
  MessageStream,
  PeerId,
  PrivateKey,
  SecureConnectionOptions,
  SecuredConnection,
} from "@libp2p/interface";
import { peerIdFromPublicKey } from "@libp2p/peer-id";
import { AbstractMessageStream, byteStream, LengthPrefixedDecoder, type SendResult } from "@libp2p/utils";
import { concat, equal } from "../base/bytes.ts";
import {
  agree,
  type Curve,
  decodeExchange,
  decodeProposal,
  encodeExchange,
  encodeProposal,
  NONCE_BYTES,
  SECIO_OFFER,
  type SecioBox,
  SecioError,
  stretch,
} from "./secio-crypto.ts";

export const SECIO_PROTOCOL = "/secio/1.0.0";
export const SECIO_WARNING =
  "secio is deprecated and weaker than Noise: it is offered only because the configuration asks for it";

/** Bytes of a message of the handshake: keys of every kind fit. */
const MAX_HANDSHAKE = 16 << 10;
/** Bytes of a box. Source: go-libp2p-secio, its specification. */
const MAX_BOX = 8 << 20;
/** Plaintext of the boxes that this node makes. */
const BOX_BYTES = 64 << 10;

/** Bytes in pieces, as libp2p hands them over. */
type Pieces = Parameters<AbstractMessageStream["sendData"]>[0];

/** A key pair for one connection, and what it and another public key (an uncompressed point) have in common. */
export type Ephemeral = {
  readonly publicKey: Uint8Array;
  shared(publicKey: Uint8Array): Promise<Uint8Array>;
};

/** What a handshake draws; given by tests. */
export type SecioRandom = {
  readonly nonce: () => Uint8Array;
  readonly ephemeral: (curve: Curve) => Promise<Ephemeral>;
};

const SYSTEM: SecioRandom = {
  nonce: () => crypto.getRandomValues(new Uint8Array(NONCE_BYTES)),
  async ephemeral(namedCurve) {
    const algorithm = { name: "ECDH", namedCurve };
    const pair = await crypto.subtle.generateKey(algorithm, true, ["deriveBits"]);
    return {
      publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)),
      async shared(bytes) {
        const other = await crypto.subtle.importKey("raw", bytes.slice(), algorithm, false, []);
        const bits = namedCurve === "P-256" ? 256 : 384;
        return new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: other }, pair.privateKey, bits));
      },
    };
  },
};

/** The encrypter, for `extraEncrypters` of a host. `warn` hears `SECIO_WARNING` once. */
export function secio(warn: (text: string) => void, random: SecioRandom = SYSTEM) {
  warn(SECIO_WARNING);
  return ({ privateKey }: { readonly privateKey: PrivateKey }): ConnectionEncrypter => {
    const secure = (stream: MessageStream, options?: SecureConnectionOptions): Promise<SecuredConnection> =>
      handshake(stream, privateKey, random, options);
    return { protocol: SECIO_PROTOCOL, secureInbound: secure, secureOutbound: secure };
  };
}

/** Both sides do the same. */
async function handshake(
  stream: MessageStream,
  privateKey: PrivateKey,
  random: SecioRandom,
  options: SecureConnectionOptions = {},
): Promise<SecuredConnection> {
  const io = byteStream(stream);
  const signal: AbortOptions = options.signal === undefined ? {} : { signal: options.signal };
  const write = (bytes: Uint8Array): Promise<void> => io.write(framed(bytes), signal);
  const read = async (): Promise<Uint8Array> => {
    const length = uint32(await io.read({ bytes: 4, ...signal }));
    if (length === 0 || length > MAX_HANDSHAKE)
      throw new SecioError({ code: "SECIO_BAD_MESSAGE" }, `secio: a message of ${length} bytes in the handshake`);
    return (await io.read({ bytes: length, ...signal })).slice();
  };

  const own = { rand: random.nonce(), publicKey: publicKeyToProtobuf(privateKey.publicKey), ...SECIO_OFFER };
  const ownBytes = encodeProposal(own);
  await write(ownBytes);
  const theirBytes = await read();
  const theirs = decodeProposal(theirBytes);
  const theirKey = publicKeyFromProtobuf(theirs.publicKey);
  const remotePeer = peerIdFromPublicKey(theirKey);
  checkPeer(remotePeer, options.remotePeer);
  const agreement = agree(own, theirs);

  const ephemeral = await random.ephemeral(agreement.curve);
  const signature = await privateKey.sign(concat(ownBytes, theirBytes, ephemeral.publicKey), signal);
  await write(encodeExchange({ ephemeralKey: ephemeral.publicKey, signature }));
  const exchange = decodeExchange(await read());
  const signed = concat(theirBytes, ownBytes, exchange.ephemeralKey);
  if (!(await theirKey.verify(signed, exchange.signature, signal)))
    throw new SecioError({ code: "SECIO_FORGED" }, "secio: the exchange is not signed by the peer");

  const boxes = stretch(agreement, withoutZeros(await ephemeral.shared(exchange.ephemeralKey)));
  await write(boxes.own.close(theirs.rand));
  if (!equal(boxes.theirs.open(await read()), own.rand))
    throw new SecioError({ code: "SECIO_FORGED" }, "secio: the nonce came back changed");
  return { remotePeer, connection: new SecioStream(io.unwrap(), boxes) };
}

function checkPeer(found: PeerId, expected: PeerId | undefined): void {
  if (expected !== undefined && !expected.equals(found))
    throw new SecioError({ code: "SECIO_WRONG_PEER" }, `secio: peer ${found} where ${expected} was dialled`);
}

/** Go takes the shared point's coordinate as a number: without the zeros before it. */
function withoutZeros(secret: Uint8Array): Uint8Array {
  return secret.subarray(secret.findIndex((byte) => byte !== 0));
}

function uint32(bytes: Uint8Array | Pieces): number {
  const [a, b, c, d] = bytes.slice(0, 4);
  if (d === undefined) throw new RangeError("fewer than four bytes");
  return (a as number) * 2 ** 24 + ((b as number) << 16) + ((c as number) << 8) + d;
}

function framed(bytes: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, bytes.length);
  return concat(head, bytes);
}

/** A connection whose bytes travel in boxes. */
class SecioStream extends AbstractMessageStream {
  private readonly inner: MessageStream;
  private readonly boxes: { readonly own: SecioBox; readonly theirs: SecioBox };

  constructor(inner: MessageStream, boxes: { readonly own: SecioBox; readonly theirs: SecioBox }) {
    const { log, inactivityTimeout, maxReadBufferLength, direction } = inner;
    super({ log, inactivityTimeout, maxReadBufferLength, direction, maxMessageSize: BOX_BYTES });
    this.inner = inner;
    this.boxes = boxes;
    const decoder = new LengthPrefixedDecoder({
      lengthDecoder: uint32,
      encodingLength: () => 4,
      maxDataLength: MAX_BOX,
      maxBufferSize: 2 * MAX_BOX,
    });
    inner.addEventListener("message", ({ data }) => {
      try {
        for (const box of decoder.decode(data)) this.onData(this.boxes.theirs.open(box.subarray()));
      } catch (error) {
        this.abort(error as Error);
      }
    });
    inner.addEventListener("drain", () => this.safeDispatchEvent("drain"));
    inner.addEventListener("remoteCloseWrite", () => this.onRemoteCloseWrite());
    inner.addEventListener("close", ({ error, local }) => {
      if (error === undefined) this.onTransportClosed();
      else if (local === true) this.abort(error);
      else this.onRemoteReset();
    });
  }

  override close(options?: AbortOptions): Promise<void> {
    return this.inner.close(options);
  }

  override sendPause(): void {
    this.inner.pause();
  }

  override sendResume(): void {
    this.inner.resume();
  }

  override sendReset(error: Error): void {
    this.inner.abort(error);
  }

  override sendData(data: Pieces): SendResult {
    const canSendMore = this.inner.send(framed(this.boxes.own.close(data.subarray())));
    return { sentBytes: data.byteLength, canSendMore };
  }
}
