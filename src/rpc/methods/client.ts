/** Filecoin.Client*: the data of this node's user. Paths are those of the machine that the node runs on. */
import type { PieceForm } from "../../market/data/commit-car.ts";
import { paddedBytesOf, pieceCidV1, unpaddedBytesOf } from "../../sector/piece/cid.ts";
import type { CID } from "../../types/cid.ts";
import { link } from "../codec/chain-types.ts";
import {
  boolean,
  fallback,
  filePath,
  integer,
  list,
  nothing,
  nullable,
  object,
  text,
  type ValueOf,
} from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { group, type MethodContext, method, param } from "../method.ts";
import { MANY } from "./miner-shapes.ts";

const MAX_ID = Number.MAX_SAFE_INTEGER;
const id = integer(0, MAX_ID);
const bytes = integer(0, MAX_ID);
export const fileRef = object("FileRef", { Path: filePath, IsCAR: fallback(boolean, false) });
export const importRes = object("ImportRes", { Root: link, ImportID: id });
const rootParam = param("root", link);
export const dataCidSize = object("DataCIDSize", { PayloadSize: bytes, PieceSize: bytes, PieceCID: link });

/** Commits to a DAG's piece; with a path its bytes are written there, too. */
export async function committed(
  root: CID,
  path: string | null,
  form: PieceForm,
  { node, session, signal }: Pick<MethodContext, "node" | "session" | "signal">,
): Promise<ValueOf<typeof dataCidSize>> {
  if (path !== null && !session.permissions.includes("write"))
    badParams("path: writing a file needs the permission to write");
  const { piece, carSize } = await node.client.commit(root, path, signal, form);
  return { PayloadSize: carSize, PieceSize: piece.paddedSize, PieceCID: pieceCidV1(piece.commP) };
}

export const clientGroup = group("Client", "Data of this node's user: imported, committed to, exported.", {
  ClientImport: method({
    summary: "Imports a file or folder as UnixFS (version 1, raw leaves of 1 MiB, 1,024 links a node), or a CAR file.",
    permission: "admin",
    params: [param("file", fileRef)],
    result: importRes,
    cost: "wait",
    async run([{ Path, IsCAR }], { node, signal }) {
      const { root, id: importId } = await node.client.import(Path, IsCAR, signal);
      return { Root: root, ImportID: importId };
    },
  }),
  ClientListImports: method({
    summary: "What was imported, the first one first.",
    permission: "write",
    result: list(
      object("Import", { Key: id, Err: text(), Root: link, Source: text(), FilePath: text(), CARPath: text() }),
      MANY,
    ),
    cost: "walk",
    run: async (_, { node }) =>
      (await node.client.imports()).map(({ id: key, root, path, source }) => ({
        ...{ Key: key, Err: "", Root: root, Source: source === "retrieval" ? "retrieval" : "import" },
        ...{ FilePath: source === "file" ? path : "", CARPath: source === "file" ? "" : path },
      })),
  }),
  ClientRemoveImport: method({
    summary: "Forgets an import, and its blocks unless another import has them.",
    permission: "admin",
    params: [param("importID", id)],
    result: nothing,
    cost: "wait",
    async run([importId], { node }) {
      await node.client.remove(importId);
      return null;
    },
  }),
  ClientHasLocal: method({
    summary: "Whether the whole DAG below a root is here.",
    permission: "write",
    params: [rootParam],
    result: boolean,
    cost: "walk",
    run: ([root], { node, signal }) => node.client.has(root, signal),
  }),
  ClientCalcCommP: method({
    summary: "The piece that a file's bytes are, and its size before padding.",
    permission: "write",
    params: [param("path", filePath)],
    result: object("CommPRet", { Root: link, Size: bytes }),
    cost: "wait",
    async run([path], { node, signal }) {
      const { commP, paddedSize } = await node.client.commitFile(path, signal);
      return { Root: pieceCidV1(commP), Size: unpaddedBytesOf(paddedSize) };
    },
  }),
  ClientGenCar: method({
    summary: "Writes the CAR file of a file, a folder or another CAR file, without importing it.",
    permission: "write",
    params: [param("file", fileRef), param("outputPath", filePath)],
    result: nothing,
    cost: "wait",
    async run([{ Path, IsCAR }, out], { node, signal }) {
      await node.client.carOfFile(Path, IsCAR, out, signal);
      return null;
    },
  }),
  ClientDealSize: method({
    summary: "Bytes of a DAG's CAR file, and of the padded piece that holds it.",
    params: [rootParam],
    result: object("DataSize", { PayloadSize: bytes, PieceSize: bytes }),
    cost: "wait",
    async run([root], { node, signal }) {
      const size = await node.client.carSize(root, signal);
      return { PayloadSize: size, PieceSize: paddedBytesOf(size) };
    },
  }),
  ClientDealPieceCID: method({
    summary: "As ClientDealSize, and the piece's CID; with a path the CAR file is written there in the same pass.",
    params: [rootParam, param("path", nullable(filePath))],
    result: dataCidSize,
    cost: "wait",
    run: ([root, path], call) => committed(root, path, "car", call),
  }),
  ClientExport: method({
    summary: "Writes a DAG that is here as the files that it holds, or as a CAR file, where nothing is yet.",
    permission: "admin",
    params: [param("export", object("ExportRef", { Root: link })), param("file", fileRef)],
    result: nothing,
    cost: "wait",
    async run([{ Root }, { Path, IsCAR }], { node, signal }) {
      await node.client.export(Root, Path, IsCAR, signal);
      return null;
    },
  }),
});
