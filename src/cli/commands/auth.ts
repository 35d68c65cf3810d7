/** `filigree auth token`: a token for a node that listens beyond this machine. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Command, Option } from "commander";
import { makeToken, PERMISSIONS, type Permission } from "../../rpc/auth.ts";
import { UsageError } from "../errors.ts";
import { DEFAULT_DATA } from "../options.ts";
import { nodeFolders } from "../own-token.ts";
import { Remote, type RemoteOptions, say, withRemote } from "../remote.ts";

type Options = RemoteOptions & { readonly perm: Permission; readonly data?: string };

export function registerAuth(program: Command): void {
  const auth = program.command("auth").description("tokens for nodes that listen beyond this machine");
  withRemote(
    auth
      .command("token")
      .description(
        "make a token: from the secret in the data folder; of a node that is named without its folder, by asking it, which takes an admin token",
      )
      .addOption(
        new Option("--perm <level>", "what it allows, with all below").choices([...PERMISSIONS]).makeOptionMandatory(),
      )
      .option("--data <folder>", `data folder of the node (default, where no node is named: ${DEFAULT_DATA})`),
  ).action(run);
}

async function run({ perm, data, ...options }: Options): Promise<void> {
  const allow = PERMISSIONS.slice(0, PERMISSIONS.indexOf(perm) + 1);
  // The secret of a folder makes tokens for its own node: for one that is named, only of a folder that is named, too.
  const { FILIGREE_RPC, FULLNODE_API_INFO } = process.env;
  const isNamed = (options.rpc ?? FILIGREE_RPC ?? FULLNODE_API_INFO) !== undefined;
  const secret = data === undefined && isNamed ? null : await secretIn(data ?? DEFAULT_DATA);
  if (data !== undefined && secret === null) {
    const [first] = await nodeFolders(data);
    const each = first === undefined ? "" : `; each node of a network of several has its own, in ${first} and so on`;
    throw new UsageError(`--data ${data} holds no secret of a node${each}`);
  }
  const token =
    secret !== null
      ? makeToken(secret, allow)
      : await (await Remote.open(options)).call<string>("AuthNew", allow).then(plain);
  say(options.json, { token, allow }, [token]);
}

/** The secret that a node made with its data; read only. */
async function secretIn(data: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(path.join(data, "secrets", "token-secret")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Nodes give tokens as bytes: base64 of the text. */
function plain(token: string): string {
  return token.includes(".") ? token : atob(token);
}
