/**
 * How the peer book is kept: a line that names the format, then a line for each peer and each address, its digest in front.
 * A damaged line loses one record and is counted; a file that is something else is refused by name.
 */
import { fromUtf8, toHex, utf8 } from "../base/bytes.ts";
import { blake2b } from "../base/digests.ts";
import { FilError } from "../base/errors.ts";
import {
  type AddressRecord,
  MAX_ADDRESSES,
  MAX_PEERS,
  OFFENCES,
  type Offence,
  type PeerRecord,
} from "./peer-records.ts";

export type PeerBookErrorData = { readonly code: "BAD_PEER_BOOK" };
export class PeerBookError extends FilError<PeerBookErrorData> {}

export type PeerBookContent = {
  readonly peers: readonly PeerRecord[];
  readonly addresses: readonly AddressRecord[];
};

const HEADING = "filigree peer book 1";
const DIGEST_BYTES = 8;
/** Characters of an identity and of an address. */
const MAX_TEXT = 256;
/** Bytes of a whole file: far above `MAX_PEERS` of the longest records. */
const MAX_FILE = 32 << 20;

function digestOf(text: string): string {
  return toHex(blake2b(utf8(text), DIGEST_BYTES));
}

export function encodePeerBook({ peers, addresses }: PeerBookContent): Uint8Array {
  const lines = [...peers, ...addresses].map((record) => {
    const text = JSON.stringify(record);
    return `${digestOf(text)} ${text}`;
  });
  return utf8(`${[HEADING, ...lines].join("\n")}\n`);
}

/** The records of a file, the latest `MAX_PEERS` of each kind, and how many lines were damaged; throws `PeerBookError`. */
export function decodePeerBook(bytes: Uint8Array): PeerBookContent & { readonly damaged: number } {
  if (bytes.length > MAX_FILE)
    throw new PeerBookError({ code: "BAD_PEER_BOOK" }, `the stored peers take ${bytes.length} bytes`);
  const lines = textOf(bytes).split("\n");
  if (lines.shift() !== HEADING)
    throw new PeerBookError({ code: "BAD_PEER_BOOK" }, `the stored peers do not begin with "${HEADING}"`);
  const peers: PeerRecord[] = [];
  const addresses: AddressRecord[] = [];
  let damaged = 0;
  if (lines[lines.length - 1] === "") lines.pop();
  for (const line of lines) {
    const record = readLine(line);
    const peer = readPeer(record);
    const address = readAddress(record);
    if (peer !== null) peers.push(peer);
    else if (address !== null) addresses.push(address);
    else damaged++;
  }
  return { peers: peers.slice(-MAX_PEERS), addresses: addresses.slice(-MAX_PEERS), damaged };
}

/** Bytes that are no text become characters that no digest fits. */
function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

function readLine(line: string): Readonly<Record<string, unknown>> {
  const text = line.slice(2 * DIGEST_BYTES + 1);
  if (line.slice(0, 2 * DIGEST_BYTES + 1) !== `${digestOf(text)} `) return {};
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const isText = (value: unknown): value is string => typeof value === "string" && value.length <= MAX_TEXT;
const isCount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isOffence = (value: unknown): value is Offence | null =>
  value === null || (typeof value === "string" && Object.hasOwn(OFFENCES, value));

function readPeer({ id, points, bans, bannedUntil, lastOffence, at, addresses }: Readonly<Record<string, unknown>>) {
  if (!isText(id) || !isCount(points) || !isCount(bans) || !isCount(bannedUntil) || !isCount(at)) return null;
  if (!isOffence(lastOffence) || !Array.isArray(addresses) || !addresses.every(isText)) return null;
  return { id, points, bans, bannedUntil, lastOffence, at, addresses: addresses.slice(0, MAX_ADDRESSES) };
}

function readAddress({ address, bans, bannedUntil, at }: Readonly<Record<string, unknown>>): AddressRecord | null {
  return isText(address) && isCount(bans) && isCount(bannedUntil) && isCount(at)
    ? { address, bans, bannedUntil, at }
    : null;
}
