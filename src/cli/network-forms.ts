/**
 * The two forms of a local network on disk, of which a folder holds one: a single node's `store` beside its mark, or a
 * marked folder `node-0`, `node-1` … for each node that has peers, with the network's description beside them.
 */
import { lstat, readdir, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { FilError } from "../base/errors.ts";
import { DataFolder, MARK, STORE } from "../platform/node-folder.ts";
import { openFolder } from "./data-folder.ts";

export const DESCRIPTION_FILE = "devnet.json";
export const GENESIS_FILE = "genesis.car";

/** `nodes`: how many folders `node-<i>` the network is to have; 0 for the form of a single node. */
export type WantedForm = { readonly nodes: number; readonly reset: boolean };

export class NetworkFormError extends FilError<{ readonly code: "OTHER_NETWORK"; readonly place: string }> {}

/**
 * Refuses a folder that holds a network of the other form (`NetworkFormError`). With `reset` such a network is removed, and
 * of a network of more nodes those that are too many; only marked folders, and none that a process has open.
 */
export async function settleForm(data: string, { nodes, reset }: WantedForm): Promise<void> {
  const names = await readdir(data).catch((): string[] => []);
  const folders: string[] = [];
  for (const name of names) if (/^node-\d+$/.test(name) && (await holdsNode(path.join(data, name)))) folders.push(name);
  folders.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
  const single = await holdsNode(data);
  if (reset) {
    // Of a folder that holds other things, too, and is refused afterwards, nothing is taken.
    const known = [...folders, DESCRIPTION_FILE, GENESIS_FILE];
    if (nodes === 0 && !names.includes(MARK) && names.some((name) => !known.includes(name))) return;
    for (const name of folders) if (Number(name.slice(5)) >= nodes) await remove(path.join(data, name));
    if (nodes === 0 && folders.length > 0)
      for (const name of [DESCRIPTION_FILE, GENESIS_FILE]) await rm(path.join(data, name), { force: true });
    if (nodes > 0 && single) await remove(data);
    return;
  }
  const holds =
    nodes === 0
      ? folders.length > 0 && `a network of nodes that have peers (${folders.join(", ")})`
      : single && `a network of a single node (${STORE}), or a node that joined one`;
  if (holds !== false)
    throw new NetworkFormError(
      { code: "OTHER_NETWORK", place: data },
      `${data} holds ${holds}; start that with the options it was made with, give another --data, or --reset, which removes it`,
    );
}

/** Whether a folder, not a link to one, has our mark and a store. */
async function holdsNode(folder: string): Promise<boolean> {
  const isFolder = async (place: string): Promise<boolean> =>
    (await lstat(place).catch(() => null))?.isDirectory() === true;
  const mark = await lstat(path.join(folder, MARK)).catch(() => null);
  return mark?.isFile() === true && (await isFolder(folder)) && (await isFolder(path.join(folder, STORE)));
}

/** Removes what a reset removes, and the store itself; a folder in which more stands keeps that and its mark. */
async function remove(folder: string): Promise<void> {
  // The reset takes the lock: it refuses a store that a running network has open.
  await (await openFolder(folder, { create: false, reset: true })).close();
  await (await DataFolder.open(folder, { create: false })).mark(false);
  for (const name of [STORE, "written"]) await rm(path.join(folder, name), { recursive: true, force: true });
  if ((await readdir(folder)).some((name) => name !== MARK && !name.startsWith("node-"))) return;
  await rm(path.join(folder, MARK));
  await rmdir(folder).catch(() => undefined);
}
