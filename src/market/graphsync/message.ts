/**
 * Messages of `/ipfs/graphsync/2.0.0`: requests, responses and blocks, each message with its length in front as a varint.
 * Selectors and extensions are kept as the CBOR they came in.
 * Source: go-graphsync v0.17.0, message/ipldbind/schema.ipldsch.
 */
import * as Digest from "multiformats/hashes/digest";
import { concat, utf8 } from "../../base/bytes.ts";
import { blake2b256, sha256 } from "../../base/digests.ts";
import { decodeVarint, encodeVarint } from "../../base/varint.ts";
import { CBOR_MAJOR, CborReader, cborHead } from "../../network/wire/cbor.ts";
import { listOf, readCid } from "../../network/wire/common.ts";
import { CID } from "../../types/cid.ts";
import {
  badFrame,
  cborBytes,
  cborInteger,
  cborLink,
  cborMap,
  cborText,
  cborUnsigned,
  readMap,
} from "../wire/cbor-map.ts";

export const GRAPHSYNC_PROTOCOL = "/ipfs/graphsync/2.0.0";

/** Source: go-graphsync v0.17.0, responsecode.go. */
export const STATUS = {
  acknowledged: 10,
  partial: 14,
  paused: 15,
  completedFull: 20,
  completedPartial: 21,
  rejected: 30,
  busy: 31,
  failed: 32,
  legal: 33,
  notFound: 34,
  cancelled: 35,
} as const;

/** Whether a status ends a response. */
export const isFinal = (status: number): boolean => status >= 20;

/** What became of a link at the responder: its block comes with the message, came before, is missing, or its DAG came before. */
export type LinkAction = "present" | "duplicate" | "missing" | "skipped";
const ACTIONS: Readonly<Record<string, LinkAction>> = { p: "present", d: "duplicate", m: "missing", s: "skipped" };
const ACTION_NAMES = { present: "p", duplicate: "d", missing: "m", skipped: "s" } as const;

export const EXTENSION = {
  doNotSendCids: "graphsync/do-not-send-cids",
  doNotSendFirstBlocks: "graphsync/do-not-send-first-blocks",
} as const;

/** CBOR by name. */
export type Extensions = ReadonlyMap<string, Uint8Array>;

export type GraphsyncRequest = {
  /** 16 bytes */
  readonly id: Uint8Array;
  readonly type: "new" | "cancel" | "update";
  /** Higher is served first; absent: 0. */
  readonly priority: number;
  readonly root: CID | null;
  /** CBOR */
  readonly selector: Uint8Array | null;
  readonly extensions: Extensions;
};

export type LinkMetadata = { readonly link: CID; readonly action: LinkAction };

export type GraphsyncResponse = {
  readonly id: Uint8Array;
  readonly status: number;
  readonly metadata: readonly LinkMetadata[];
  readonly extensions: Extensions;
};

/** A block with what its CID begins with: version, codec, hash and its length. */
export type GraphsyncBlock = { readonly prefix: Uint8Array; readonly data: Uint8Array };

export type GraphsyncMessage = {
  readonly requests: readonly GraphsyncRequest[];
  readonly responses: readonly GraphsyncResponse[];
  readonly blocks: readonly GraphsyncBlock[];
};

export const MESSAGE_LIMITS = {
  /** bytes of a message. Source: go-libp2p network.MessageSizeMax, 4 MiB */
  bytes: 4 << 20,
  requests: 256,
  responses: 256,
  blocks: 8192,
  /** links of one response in one message */
  metadata: 65_536,
  extensions: 16,
  extensionBytes: 1 << 20,
  nameBytes: 128,
  selectorBytes: 64 << 10,
  prefixBytes: 64,
  /** nesting of selectors and extensions */
  depth: 96,
} as const;

const ID_BYTES = 16;
const TYPES = { new: "n", cancel: "c", update: "u" } as const;
const TYPES_BY_NAME: Readonly<Record<string, GraphsyncRequest["type"]>> = { n: "new", c: "cancel", u: "update" };
const NO_EXTENSIONS: Extensions = new Map();

export function encodeGraphsync({ requests, responses, blocks }: GraphsyncMessage): Uint8Array {
  const list = (items: readonly Uint8Array[]): Uint8Array | undefined =>
    items.length === 0 ? undefined : listOf(items);
  return cborMap({
    gs2: cborMap({
      req: list(requests.map(encodeRequest)),
      rsp: list(responses.map(encodeResponse)),
      blk: list(blocks.map(({ prefix, data }) => listOf([cborBytes(prefix), cborBytes(data)]))),
    }),
  });
}

function encodeRequest({ id, type, priority, root, selector, extensions }: GraphsyncRequest): Uint8Array {
  return cborMap({
    id: cborBytes(id),
    type: cborText(TYPES[type]),
    pri: priority === 0 ? undefined : cborInteger(priority),
    root: root === null ? undefined : cborLink(root),
    sel: selector ?? undefined,
    ext: encodeExtensions(extensions),
  });
}

function encodeResponse({ id, status, metadata, extensions }: GraphsyncResponse): Uint8Array {
  const meta = metadata.map(({ link, action }) => listOf([cborLink(link), cborText(ACTION_NAMES[action])]));
  return cborMap({
    reqid: cborBytes(id),
    stat: cborUnsigned(status),
    meta: meta.length === 0 ? undefined : listOf(meta),
    ext: encodeExtensions(extensions),
  });
}

function encodeExtensions(extensions: Extensions): Uint8Array | undefined {
  if (extensions.size === 0) return undefined;
  // By the length of their bytes: names are text of anybody's.
  const sorted = [...extensions].map(([name, value]) => [utf8(name), value] as const);
  sorted.sort(([a], [b]) => a.length - b.length || compareBytes(a, b));
  const parts = sorted.flatMap(([name, value]) => [cborText(name), value]);
  return concat(cborHead(CBOR_MAJOR.map, extensions.size), ...parts);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

/** Reads a message without its length; throws `WireError`. Blocks are views of the bytes. */
export function decodeGraphsync(bytes: Uint8Array): GraphsyncMessage {
  const reader = new CborReader(bytes);
  const requests: GraphsyncRequest[] = [];
  const responses: GraphsyncResponse[] = [];
  const blocks: GraphsyncBlock[] = [];
  const each = (from: CborReader, most: number, what: string, read: () => void): void => {
    for (let left = from.array(most, what); left > 0; left--) read();
  };
  readMap(reader, "message", {
    gs2: (inner, what) => {
      const fields = {
        req: (from: CborReader, name: string) =>
          each(from, MESSAGE_LIMITS.requests, name, () => requests.push(readRequest(from))),
        rsp: (from: CborReader, name: string) =>
          each(from, MESSAGE_LIMITS.responses, name, () => responses.push(readResponse(from))),
        blk: (from: CborReader, name: string) =>
          each(from, MESSAGE_LIMITS.blocks, name, () => {
            from.tuple(2, name);
            const prefix = from.byteString(MESSAGE_LIMITS.prefixBytes, `${name}: prefix`);
            blocks.push({ prefix, data: from.byteString(MESSAGE_LIMITS.bytes, `${name}: data`) });
          }),
      };
      readMap(inner, what, fields, Object.keys(fields));
    },
  });
  reader.end("message");
  return { requests, responses, blocks };
}

function readRequest(reader: CborReader): GraphsyncRequest {
  const found: { -readonly [Name in keyof GraphsyncRequest]: GraphsyncRequest[Name] } = {
    ...{ id: new Uint8Array(0), type: "new", priority: 0, root: null, selector: null, extensions: NO_EXTENSIONS },
  };
  const fields = {
    id: (from: CborReader, what: string) => {
      found.id = readId(from, what);
    },
    type: (from: CborReader, what: string) => {
      const name = from.text(8, what);
      found.type = TYPES_BY_NAME[name] ?? badFrame(`${what}: no type "${name}" of requests`);
    },
    pri: (from: CborReader, what: string) => {
      found.priority = Number(BigInt.asIntN(32, from.integer(what)));
    },
    root: (from: CborReader, what: string) => {
      found.root = readCid(from, what);
    },
    sel: (from: CborReader, what: string) => {
      const item = from.item(what, MESSAGE_LIMITS.depth);
      if (item.length > MESSAGE_LIMITS.selectorBytes)
        badFrame(`${what}: a selector of ${item.length} bytes, at most ${MESSAGE_LIMITS.selectorBytes} allowed`);
      found.selector = new Uint8Array(item);
    },
    ext: (from: CborReader, what: string) => {
      found.extensions = readExtensions(from, what);
    },
  };
  readMap(reader, "request", fields, ["pri", "root", "sel", "ext"]);
  return found;
}

function readResponse(reader: CborReader): GraphsyncResponse {
  const found: { -readonly [Name in keyof GraphsyncResponse]: GraphsyncResponse[Name] } = {
    ...{ id: new Uint8Array(0), status: 0, metadata: [], extensions: NO_EXTENSIONS },
  };
  const fields = {
    reqid: (from: CborReader, what: string) => {
      found.id = readId(from, what);
    },
    stat: (from: CborReader, what: string) => {
      found.status = from.unsigned(what);
    },
    meta: (from: CborReader, what: string) => {
      const list: LinkMetadata[] = [];
      for (let left = from.array(MESSAGE_LIMITS.metadata, what); left > 0; left--) {
        from.tuple(2, what);
        const link = readCid(from, what);
        const name = from.text(8, what);
        list.push({ link, action: ACTIONS[name] ?? badFrame(`${what}: no action "${name}"`) });
      }
      found.metadata = list;
    },
    ext: (from: CborReader, what: string) => {
      found.extensions = readExtensions(from, what);
    },
  };
  readMap(reader, "response", fields, ["meta", "ext"]);
  return found;
}

function readId(reader: CborReader, what: string): Uint8Array {
  const id = reader.byteString(ID_BYTES, what);
  return id.length === ID_BYTES
    ? new Uint8Array(id)
    : badFrame(`${what}: an id of ${id.length} bytes, not ${ID_BYTES}`);
}

function readExtensions(reader: CborReader, what: string): Extensions {
  const extensions = new Map<string, Uint8Array>();
  let bytes = 0;
  for (let left = reader.map(MESSAGE_LIMITS.extensions, what); left > 0; left--) {
    const name = reader.text(MESSAGE_LIMITS.nameBytes, `${what}: name`);
    if (extensions.has(name)) badFrame(`${what}: "${name}" twice`);
    const item = reader.item(`${what}: ${name}`, MESSAGE_LIMITS.depth);
    bytes += item.length;
    if (bytes > MESSAGE_LIMITS.extensionBytes)
      badFrame(`${what}: more than ${MESSAGE_LIMITS.extensionBytes} bytes of extensions`);
    extensions.set(name, new Uint8Array(item));
  }
  return extensions;
}

const HASHES: Readonly<Record<number, (bytes: Uint8Array) => Uint8Array>> = { 18: sha256, 45600: blake2b256 };
const DAG_PB = 0x70;

/** The CID of a block that came; null if it is made by a hash that is not computed here. */
export function cidOfReceived({ prefix, data }: GraphsyncBlock): CID | null {
  const numbers: number[] = [];
  for (let at = 0; at < prefix.length; ) {
    const varint = decodeVarint(prefix, at);
    if (typeof varint === "string" || numbers.length === 4) return null;
    numbers.push(Number(varint.value));
    at += varint.size;
  }
  const [version, code, hash, length] = numbers;
  if (code === undefined || hash === undefined || length !== 32) return null;
  const digest = HASHES[hash]?.(data);
  if (digest === undefined) return null;
  if (version === 0) return code === DAG_PB && hash === 18 ? CID.createV0(Digest.create(18, digest)) : null;
  return version === 1 ? CID.createV1(code, Digest.create(hash, digest)) : null;
}

/** What stands before the digest in a CID; of version 0 too. */
export function prefixOf({ version, code, multihash }: CID): Uint8Array {
  return concat(...[version, code, multihash.code, multihash.digest.length].map(encodeVarint));
}

/** CBOR of a number, for `EXTENSION.doNotSendFirstBlocks`; null for anything but one that is not negative. */
export function readSkip(bytes: Uint8Array): number | null {
  try {
    const reader = new CborReader(bytes);
    const skip = reader.unsigned("do-not-send-first-blocks");
    return reader.done ? skip : null;
  } catch {
    return null;
  }
}

/** CIDs of `EXTENSION.doNotSendCids`; null for anything else. */
export function readCidList(bytes: Uint8Array, most: number): readonly CID[] | null {
  try {
    const reader = new CborReader(bytes);
    const count = reader.array(most, "do-not-send-cids");
    const cids = Array.from({ length: count }, () => readCid(reader, "do-not-send-cids"));
    return reader.done ? cids : null;
  } catch {
    return null;
  }
}
