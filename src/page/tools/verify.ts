/** Headers and beacon entries, checked in the page itself: hashes and signatures by the core, keys of miners by the node. */
import { fromBase64 } from "../../base/bytes.ts";
import { type DrandInfo, verifyEntry } from "../../beacon/drand.ts";
import { DRAND_MAINNET, INCENTINET, QUICKNET } from "../../beacon/networks.ts";
import { loadCrypto } from "../../core/crypto.ts";
import { Address } from "../../types/address.ts";
import { type BlockHeader, decodeHeader, headerCid, headerSigningBytes } from "../../types/block-header.ts";
import type { Cid } from "../json.ts";
import { ask } from "../node.ts";
import { bytesOf } from "./decode.ts";

export type Finding = { readonly text: string; readonly isGood: boolean };

/** A header by its CID (fetched from the node) or its bytes. Throws `Error` if it is none. */
export async function checkHeader(text: string): Promise<readonly Finding[]> {
  const wanted = text.trim();
  const isCid = /^bafy[a-z2-7]+$/.test(wanted);
  const crypto = await loadCrypto();
  if (isCid && !(await ask<boolean>("Filecoin.ChainHasObj", { "/": wanted })))
    throw new Error("this node has no block by that CID");
  const bytes = isCid ? fromBase64(await ask<string>("Filecoin.ChainReadObj", { "/": wanted })) : bytesOf(wanted);
  if (bytes === null) throw new Error("a block's CID, or a header's bytes in hex or base64, are expected");
  let header: BlockHeader;
  try {
    header = decodeHeader(bytes);
  } catch (cause) {
    throw new Error("these bytes are no block header", { cause });
  }
  const cid = headerCid(header).toString();
  const out: Finding[] = [{ text: `epoch ${header.height}, block of ${header.miner.toString("t")}`, isGood: true }];
  out.push(
    isCid ? { text: `the bytes hash to ${cid}`, isGood: cid === wanted } : { text: `its CID is ${cid}`, isGood: true },
  );
  if (header.blockSig === null)
    return [...out, { text: "it has no signature: a genesis block, or a draft", isGood: header.height === 0 }];
  const parents: readonly Cid[] = header.parents.map((one) => ({ "/": one.toString() }));
  const { Worker: worker } = await ask<{ Worker: string }>(
    "Filecoin.StateMinerInfo",
    header.miner.toString("t"),
    parents,
  );
  const key = Address.parse(await ask<string>("Filecoin.StateAccountKey", worker, parents));
  const isSigned = crypto.blsVerify(key.payload, headerSigningBytes(header), header.blockSig.data);
  out.push({
    text: isSigned ? `signed by the miner's worker, ${worker}` : `not signed by the miner's worker, ${worker}`,
    isGood: isSigned,
  });
  return out;
}

export const BEACONS: Readonly<Record<string, DrandInfo>> = {
  quicknet: QUICKNET,
  "drand mainnet (chained)": DRAND_MAINNET,
  incentinet: INCENTINET,
};

/** Whether a signature is that of a round of a drand network. Throws `Error` for what is no round. */
export async function checkBeacon(
  network: string,
  round: string,
  signature: string,
  previous: string,
): Promise<readonly Finding[]> {
  const info = BEACONS[network];
  const data = bytesOf(signature);
  if (info === undefined || !/^\d{1,18}$/.test(round) || data === null)
    throw new Error("a round's number and its signature in hex are expected");
  const isGood = verifyEntry(
    await loadCrypto(),
    info,
    { round: BigInt(round), data },
    bytesOf(previous) ?? new Uint8Array(0),
  );
  return [
    { text: isGood ? `this is round ${round} of ${network}` : `this is not round ${round} of ${network}`, isGood },
  ];
}
