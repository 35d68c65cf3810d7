/** `filigree client …`: the data of a running node's user. Paths are looked up by the node, which must be on this machine. */
import path from "node:path";
import { type Command, Option } from "commander";
import { wholeNumber } from "../options.ts";
import { type RemoteOptions, say, withRemote } from "../remote.ts";
import { type Link, linkOf, patientCall } from "../remote-call.ts";
import { sizeText } from "../terminal.ts";
import { registerClientDeals } from "./client-deals.ts";
import { registerClientFind } from "./client-find.ts";
import { registerMk20 } from "./client-mk20.ts";
import { asRetrieval } from "./retr.ts";

type Import = {
  readonly Key: number;
  readonly Root: Link;
  readonly Source: string;
  readonly FilePath: string;
  readonly CARPath: string;
};
type Imported = { readonly Root: Link; readonly ImportID: number };
type ImportOptions = RemoteOptions & { readonly car?: true; readonly dagJson?: true };
type Piece = { readonly PayloadSize: number; readonly PieceSize: number; readonly PieceCID: Link };

export function registerClient(program: Command): void {
  const client = program
    .command("client")
    .description("data to store or that was retrieved, and storage deals: import, deal, look at, export");
  withRemote(
    client
      .command("import")
      .description("import a file or folder as UnixFS, or a CAR file, and print its root")
      .argument("<path>", "file or folder")
      .addOption(new Option("--car", "the file is a CAR file, whose DAG is taken as it is").conflicts("dagJson"))
      .option("--dag-json", "the file is JSON, which becomes one block of DAG-JSON"),
  ).action(importData);
  asRetrieval(client.command("retrieve"));
  withRemote(client.command("list").description("what was imported")).action(list);
  withRemote(
    client
      .command("remove")
      .description("forget an import, and its blocks unless another import has them")
      .argument("<number>", "as list shows it", wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  ).action(remove);
  withRemote(
    client
      .command("piece")
      .description("the piece that a DAG's CAR file is")
      .argument("<root>", "its CID")
      .option("--out <file>", "write the CAR file, too")
      .option("--raw", "the piece that the file itself is, and not its CAR file"),
  ).action(piece);
  withRemote(
    client
      .command("export")
      .description("write a DAG as the files that it holds, or as a CAR file")
      .argument("<root>", "its CID")
      .argument("<path>", "where nothing is yet")
      .option("--car", "as a CAR file"),
  ).action(exportData);
  registerClientFind(client);
  registerClientDeals(client);
  registerMk20(client);
}

async function importData(file: string, options: ImportOptions): Promise<void> {
  const place = path.resolve(file);
  const { Root, ImportID } = await (options.dagJson === true
    ? patientCall<Imported>(options, "Filigree.ClientImportDagJson", place)
    : patientCall<Imported>(options, "ClientImport", { Path: place, IsCAR: options.car === true }));
  say(options.json, { root: Root["/"], import: ImportID }, [Root["/"]]);
}

async function list(options: RemoteOptions): Promise<void> {
  const imports = (await patientCall<readonly Import[]>(options, "ClientListImports")).map((one) => ({
    import: one.Key,
    root: one.Root["/"],
    source: one.Source === "retrieval" ? "retrieval" : one.CARPath === "" ? "file" : "car",
    path: one.FilePath === "" ? one.CARPath : one.FilePath,
  }));
  say(
    options.json,
    { imports },
    imports.map((one) => `${one.import}  ${one.root}  ${one.source}  ${one.path}`),
  );
}

async function remove(number: number, options: RemoteOptions): Promise<void> {
  await patientCall(options, "ClientRemoveImport", number);
  say(options.json, { removed: number }, [`import ${number} is forgotten`]);
}

type PieceOptions = RemoteOptions & { readonly out?: string; readonly raw?: true };

async function piece(root: string, options: PieceOptions): Promise<void> {
  const out = options.out === undefined ? null : path.resolve(options.out);
  const { PayloadSize, PieceSize, PieceCID } = await patientCall<Piece>(
    options,
    options.raw === true ? "Filigree.ClientRawPieceCID" : "ClientDealPieceCID",
    linkOf(root),
    out,
  );
  say(options.json, { pieceCid: PieceCID["/"], payloadSize: PayloadSize, paddedSize: PieceSize }, [
    `piece CID     ${PieceCID["/"]}`,
    `payload size  ${PayloadSize} (${sizeText(PayloadSize)})`,
    `padded size   ${PieceSize} (${sizeText(PieceSize)})`,
  ]);
}

async function exportData(root: string, file: string, options: RemoteOptions & { readonly car?: true }): Promise<void> {
  const place = path.resolve(file);
  await patientCall(options, "ClientExport", { Root: linkOf(root) }, { Path: place, IsCAR: options.car === true });
  say(options.json, { root, path: place }, [place]);
}
