/** `filigree bundle`: the published actors that network versions from 16 on run, taken from files or from an address, and checked. */
import { type Command, Option } from "commander";
import { carsOf, readBundle } from "../../exec/bundle.ts";
import { type ActorBundle, actorBundles, type BundleName } from "../../params/actor-codes.ts";
import { NETWORK_VERSIONS } from "../../schema/versions/rows.ts";
import { named } from "../bundle-files.ts";
import { BUNDLE_FOLDER, BundleStore, bundleName, isOwnName, type Kept, readBundleFile } from "../bundle-store.ts";
import { download } from "../download.ts";
import { complain, EXIT, explain, hasSystemCode, tellJson } from "../errors.ts";
import { commandLine, interruptible } from "../interrupt.ts";
import { say } from "../remote.ts";
import { table } from "../table.ts";
import { plainText, progressLine, sizeText } from "../terminal.ts";

type Place = { readonly dir: string; readonly json?: true };
type AddOptions = Place & { readonly network?: BundleName; readonly unknown?: true };

const OF_UNKNOWN = "; --unknown takes actors of your own";
const NETWORKS = [...new Set(actorBundles().map(({ name }) => name))];

export function registerBundle(program: Command): void {
  const bundle = program
    .command("bundle")
    .description("the published actors, which network versions from 16 on need: none come with this package");
  const place = (command: Command): Command =>
    command
      .option("--dir <folder>", "where they are kept; the variable FILIGREE_BUNDLES names another place", BUNDLE_FOLDER)
      .option("--json", "print one JSON object for each");
  const taking = (command: Command): Command =>
    place(command)
      .addOption(new Option("--network <name>", "of a pack, the bundle of one network alone").choices(NETWORKS))
      .option("--unknown", "take bundles that are not published, too: for actors of your own");
  taking(bundle.command("add"))
    .description("take bundles from files: a .car of the actors' releases, or a vN.tar.zst of the reference node")
    .argument("<file...>")
    .action(add);
  taking(bundle.command("fetch"))
    .description("download a bundle from an address that you name, and take it")
    .argument("<url>", "http or https, of a .car or a .tar.zst")
    .action(fetchOne);
  place(bundle.command("list"))
    .description("list the bundles that are kept, with the network versions that run them")
    .action(list);
  place(bundle.command("verify"))
    .description("check every block of kept bundles, or of files, against its CID and the table of published bundles")
    .argument("[file...]", "default: all that are kept")
    .action(verify);
}

/** What a bundle is for: its actors' version and the network versions that run it; nulls for one that is not published. */
type Serves = { readonly actorsVersion: number | null; readonly networkVersions: readonly number[] | null };

function servesOf(published: ActorBundle | null): Serves {
  if (published === null) return { actorsVersion: null, networkVersions: null };
  const { actorsVersion } = published;
  const rows = NETWORK_VERSIONS.filter(({ actors }) => actors === actorsVersion);
  return { actorsVersion, networkVersions: rows.map(({ number }) => number) };
}

function servedText({ networkVersions }: Serves): string {
  return networkVersions === null ? "any that you give it for" : networkVersions.join(", ");
}

function tell({ name, file, bundle }: Kept, json: boolean): void {
  const { root, manifest, codes, published } = bundle;
  const serves = servesOf(published);
  say(json, { name, ...serves, root: `${root}`, manifest: `${manifest}`, actors: codes.size, file }, [
    `${name}  ${codes.size} actors  network versions: ${servedText(serves)}  root ${root}`,
  ]);
}

async function add(files: readonly string[], { dir, json, ...options }: AddOptions): Promise<void> {
  const store = new BundleStore(dir);
  for (const file of files) {
    const bytes = await readBundleFile(file);
    for (const kept of await named(file, () => store.add(bytes, options), OF_UNKNOWN)) tell(kept, json === true);
  }
}

async function fetchOne(url: string, { dir, json, ...options }: AddOptions): Promise<void> {
  const line = progressLine();
  try {
    const bytes = await interruptible((signal) => download(url, { signal, line }), commandLine());
    for (const kept of await named(url, () => new BundleStore(dir).add(bytes, options), OF_UNKNOWN))
      tell(kept, json === true);
  } finally {
    line.clear();
  }
}

async function list({ dir, json }: Place): Promise<void> {
  const files = await new BundleStore(dir).files();
  const bundles = files.map(({ name, file, size }) => {
    const published = actorBundles().find((one) => name === `${one.name}-v${one.actorsVersion}`) ?? null;
    return { name, ...servesOf(published), root: published === null ? null : `${published.manifest}`, size, file };
  });
  const lines = table(
    ["bundle", "actors", "network versions", "size", "root"],
    bundles.map((one) => {
      const isNamed = one.actorsVersion !== null || isOwnName(one.name);
      const actors = one.actorsVersion === null ? "own" : `v${one.actorsVersion}`;
      const told = isNamed ? [actors, servedText(one)] : ["?", "told by `filigree bundle verify`"];
      return [one.name, ...told, sizeText(one.size), one.root ?? ""];
    }),
  );
  const none =
    `no bundles in ${dir}; add one with \`filigree bundle add builtin-actors-devnet.car\`, ` +
    "a file of the releases of filecoin-project/builtin-actors";
  say(json, { bundles }, bundles.length === 0 ? [none] : lines);
}

async function verify(given: readonly string[], { dir, json }: Place): Promise<void> {
  const kept = (await new BundleStore(dir).files()).map(({ file }) => file);
  const files = given.length > 0 ? given : kept;
  if (files.length === 0) throw new Error(`nothing to verify: no bundles in ${dir}`);
  let worst: number | null = null;
  for (const file of files) {
    try {
      for (const car of carsOf(await readBundleFile(file))) {
        const bundle = await readBundle(car, { unknown: true });
        if (json === true) tell({ name: bundleName(bundle), file, bundle }, true);
        else
          process.stdout.write(
            `${plainText(file)}: ${bundle.published === null ? `whole, and no published bundle: root ${bundle.root}` : `as published: ${bundleName(bundle)}`}\n`,
          );
      }
    } catch (error) {
      worst = hasSystemCode(error) ? EXIT.failure : (worst ?? EXIT.untrue);
      const named = new Error(file, { cause: error });
      complain(named);
      if (json === true) tellJson(explain(named), worst === EXIT.failure ? "FAILED" : "UNTRUE");
    }
  }
  if (worst !== null) process.exitCode = worst;
}
