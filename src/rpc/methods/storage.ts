/**
 * Folders in which the sectors of this node's own miners lie, with the names and shapes of the reference's miner interface.
 * Source: lotus api/api_storage.go at b835fab702eb.
 */
import { sectorNumber, uint64 } from "../codec/chain-types.ts";
import { boolean, fallback, filePath, integer, list, nothing, object, record, text } from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { group, method, param } from "../method.ts";
import type { FolderView, NodeServices } from "../services.ts";
import { serviceOf } from "./sectors.ts";

const MANY = 1_000_000;
const MAX_FOLDERS = 256;
const MAX_PATH = 4096;
const bytes = integer(0, Number.MAX_SAFE_INTEGER);
const limits = object("FolderLimits", {
  MaxStorage: fallback(bytes, 0),
  CanSeal: fallback(boolean, true),
  CanStore: fallback(boolean, true),
});
/** Sealed replica and cache. Source: lotus storage/sealer/storiface/filetype.go (FTSealed 2, FTCache 4). */
const SEALED_AND_CACHE = 6;

async function folderOf(node: NodeServices, id: string): Promise<FolderView> {
  const all = await serviceOf(node).folders();
  return all.find((folder) => folder.id === id) ?? badParams(`id: no folder ${id}; StorageList names them`);
}

export const storageGroup = group("Sector storage", "Folders of the files of this node's own sectors.", {
  StorageList: method({
    summary: "The folders by their ids, and whose files lie in each.",
    permission: "admin",
    result: record(
      list(object("StorageDecl", { Miner: uint64, Number: sectorNumber, SectorFileType: integer(0, 63) }), MANY),
      MAX_FOLDERS,
    ),
    cost: "walk",
    async run(_, { node }) {
      const all = await serviceOf(node).folders();
      return Object.fromEntries(
        all.map(({ id, sectors }) => [
          id,
          sectors.map(({ miner, number }) => ({
            Miner: miner,
            Number: BigInt(number),
            SectorFileType: SEALED_AND_CACHE,
          })),
        ]),
      );
    },
  }),
  StorageLocal: method({
    summary: "Where each folder is; empty in memory.",
    permission: "admin",
    result: record(text(MAX_PATH), MAX_FOLDERS),
    async run(_, { node }) {
      return Object.fromEntries((await serviceOf(node).folders()).map(({ id, path }) => [id, path ?? ""]));
    },
  }),
  StorageInfo: method({
    summary: "What a folder is for. Weight 0: it cannot be written to.",
    permission: "admin",
    params: [param("id", text(100))],
    result: object("StorageInfo", {
      ID: text(),
      Weight: bytes,
      MaxStorage: bytes,
      CanSeal: boolean,
      CanStore: boolean,
    }),
    async run([wanted], { node }) {
      const { id, limits: own, isReadOnly } = await folderOf(node, wanted);
      const { maxBytes, canSeal, canStore } = own;
      return { ID: id, Weight: isReadOnly ? 0 : 10, MaxStorage: maxBytes, CanSeal: canSeal, CanStore: canStore };
    },
  }),
  StorageStat: method({
    summary: "Bytes of a folder: what there is, what can still be promised, what is promised, and what sectors take.",
    permission: "admin",
    params: [param("id", text(100))],
    result: object("FsStat", {
      Capacity: bytes,
      Available: bytes,
      FSAvailable: bytes,
      Reserved: bytes,
      Max: bytes,
      Used: bytes,
    }),
    cost: "walk",
    async run([wanted], { node }) {
      const { room, limits: own } = await folderOf(node, wanted);
      const { used, reserved, available } = room;
      return {
        Capacity: used + reserved + available,
        Available: available,
        FSAvailable: available,
        Reserved: reserved,
        Max: own.maxBytes,
        Used: used,
      };
    },
  }),
  StorageAddLocal: method({
    summary: "Adds a folder for sectors by its absolute path; it is made if it is not there, with the limits given.",
    permission: "admin",
    params: [
      param("path", filePath),
      param("limits", fallback(limits, { MaxStorage: 0, CanSeal: true, CanStore: true })),
    ],
    result: nothing,
    cost: "execute",
    async run([path, { MaxStorage, CanSeal, CanStore }], { node }) {
      await serviceOf(node).attach(path, { maxBytes: MaxStorage, canSeal: CanSeal, canStore: CanStore });
      return null;
    },
  }),
  StorageDetachLocal: method({
    summary:
      "Gives up a folder by its absolute path, also one that is away. Nothing in it is touched, and its sectors are not proven until it is added again; refused while a sector is made or updated in it.",
    permission: "admin",
    params: [param("path", filePath)],
    result: nothing,
    cost: "execute",
    async run([path], { node }) {
      await serviceOf(node).detach(path);
      return null;
    },
  }),
});
