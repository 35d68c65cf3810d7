/**
 * The admin token that a local network leaves in its data folder for commands on the same machine, and beside it the
 * address that it is for: it is sent nowhere else.
 */
import { readdir, readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import path from "node:path";
import { platform } from "#platform";
import { utf8 } from "../base/bytes.ts";

const TOKEN = "admin-token";
const ADDRESS = "admin-token-url";
const ANY = ["0.0.0.0", "[::]"];
/** Folders of the nodes of a network of several, in the folder of the network. */
const NODE_FOLDER = /^node-\d{1,4}$/;

/** Keeps the token of the network that listens at `url`; returns the file. */
export async function keepOwnToken(data: string, token: string, url: string): Promise<string> {
  const secrets = await platform.openSecrets(data);
  // The address first: the token that was there before is this folder's, too.
  await secrets.write(ADDRESS, utf8(`${url}\n`));
  await secrets.write(TOKEN, utf8(`${token}\n`));
  return path.join(data, "secrets", TOKEN);
}

/** The folders of a network's nodes, in its own. */
export async function nodeFolders(data: string): Promise<readonly string[]> {
  const nodes = (await readdir(data).catch(() => [])).filter((name) => NODE_FOLDER.test(name));
  return nodes.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).map((name) => path.join(data, name));
}

/** The token that a folder keeps for the node at `url`, and where; null if it keeps none, or one for another address. */
export async function ownTokenFor(data: string, url: string): Promise<{ text: string; file: string } | null> {
  for (const folder of [data, ...(await nodeFolders(data))]) {
    const read = async (name: string): Promise<string | null> =>
      (await readFile(path.join(folder, "secrets", name), "utf8").catch(() => null))?.trim() ?? null;
    const address = await read(ADDRESS);
    if (address === null || !isSamePlace(address, url)) continue;
    const text = await read(TOKEN);
    if (text !== null) return { text, file: path.join(folder, "secrets", TOKEN) };
  }
  return null;
}

/** Whether `url` leads to who listens at `address`, as far as this machine can tell. */
export function isSamePlace(address: string, url: string): boolean {
  if (!URL.canParse(address) || !URL.canParse(url)) return false;
  const [own, given] = [new URL(address), new URL(url)];
  if (own.protocol !== given.protocol || own.port !== given.port) return false;
  if (own.hostname === given.hostname) return true;
  const here = isLoopback(given.hostname);
  return ANY.includes(own.hostname) ? here || isOfThisMachine(given.hostname) : here && isLoopback(own.hostname);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function isOfThisMachine(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === bare));
}
