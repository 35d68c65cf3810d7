/**
 * The encodings alone: addresses, amounts, messages, headers, bitfields, CIDs, and any described type to JSON in the
 * network's spelling and back.
 *
 * @example
 * import { Address, decodeMessage } from "filigree/codec";
 */

export { ACTORS, SCHEMA_MODULES } from "./schema/index.ts";
export { Address, AddressError, type NetworkPrefix } from "./types/address.ts";
export { AmountError, bigToBytes, bytesToBig, FIL, formatFil, parseFil } from "./types/amount.ts";
export { BitfieldError, decodeRuns, encodeRuns } from "./types/bitfield.ts";
export {
  type BlockHeader,
  decodeHeader,
  type Epoch,
  encodeHeader,
  headerCid,
  headerSigningBytes,
  headerToJson,
  makeTipset,
  type Tipset,
  tipsetToJson,
} from "./types/block-header.ts";
export { CID, cidFromBytes, cidOfBlock, cidOfText, parseCid } from "./types/cid.ts";
export {
  decodeMessage,
  decodeSignedMessage,
  encodeMessage,
  encodeSignedMessage,
  type Message,
  type MessageReceipt,
  messageCid,
  messageFromJson,
  messageToJson,
  type Signature,
  type SignedMessage,
  signedMessageCid,
} from "./types/message.ts";
export { MethodNameError, methodNumber } from "./types/method-number.ts";
export { type CodecContext, cborToJson, type Json, jsonToCbor, SchemaError } from "./types/schema-codec.ts";
