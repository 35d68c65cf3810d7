/** Paths in a state: taken from the node, checked here by nothing but the blocks that were pasted. Loaded when it is used. */
import { fromBase64, toBase64 } from "../../base/bytes.ts";
import { loadCrypto } from "../../core/crypto.ts";
import { checkPath, provePath } from "../../state/state-path.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { cidFromBytes, parseCid } from "../../types/cid.ts";
import { ask } from "../node.ts";
import { bytesOf } from "./decode.ts";
import type { Finding } from "./verify.ts";

const PREFIX = "t";

/** The state that the node's head was made on. */
export async function headRoot(): Promise<string> {
  type Head = { readonly Blocks: readonly { readonly ParentStateRoot: { readonly "/": string } }[] };
  const { Blocks } = await ask<Head>("Filecoin.ChainHead");
  return Blocks[0]?.ParentStateRoot["/"] ?? "";
}

const fromNode: BlockSource = {
  peek: () => undefined,
  get: async (cid) => fromBase64(await ask<string>("Filecoin.ChainReadObj", { "/": `${cidFromBytes(cid)}` })),
};

/** The blocks on the way to a value, as a CAR file in base64. */
export async function takePath(root: string, path: string): Promise<string> {
  return toBase64((await provePath(fromNode, parseCid(root.trim()), path, PREFIX)).car);
}

export type PathFound = { readonly findings: readonly Finding[]; readonly value: unknown };

/** Throws `Error` with what is wrong with the path or its blocks. */
export async function checkStatePath(root: string, path: string, car: string): Promise<PathFound> {
  const bytes = bytesOf(car);
  if (bytes === null) throw new Error("the blocks of the path are expected: a CAR file in base64 or hex");
  if (root.trim() === "") throw new Error("the state root that is trusted is expected, a CID");
  const cid = parseCid(root.trim());
  const { value, blocks } = await checkPath(await loadCrypto(), bytes, cid, path, PREFIX);
  return {
    findings: [
      { text: `each of ${blocks} blocks hashes to its CID`, isGood: true },
      { text: `they lead from the state ${cid} over ${path.trim()} to this value`, isGood: true },
    ],
    value,
  };
}
