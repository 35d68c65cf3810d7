/** `filigree lab`: snapshots and time of a running local network. */
import { type Command, InvalidArgumentError } from "commander";
import { carOfNetwork } from "../chain-export.ts";
import { tellingEpochs } from "../epoch-progress.ts";
import { InterruptedError } from "../errors.ts";
import { interruptible, shellWord } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { checkOutput, writeOutput } from "../output.ts";
import { nextCommand, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { countText, progressLine, sizeText } from "../terminal.ts";

type Head = {
  readonly Height: number;
  readonly Cids: readonly { readonly "/": string }[];
  readonly Blocks: readonly { readonly Timestamp: number }[];
};
type Listed = { readonly Id: number; readonly Epoch: number; readonly Messages: number };

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const MAX_SECONDS = 365 * 86_400;
const MAX_EPOCHS = 100_000;

function duration(text: string): number {
  const [, digits, unit = "s"] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  const seconds = digits === undefined ? Number.NaN : Number(digits) * (UNITS[unit] as number);
  if (seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError("a duration of a year at most is needed, such as 90, 30s, 15m, 2h or 1d.");
}

export function registerLab(program: Command): void {
  const lab = program.command("lab").description("snapshots and time of a running local network of one process");
  withRemote(lab.command("snapshot").description("take a snapshot of the whole network, and say its number")).action(
    snapshot,
  );
  withRemote(lab.command("snapshots").description("the snapshots that one can go back to")).action(snapshots);
  withRemote(
    lab
      .command("revert")
      .description("go back to a snapshot; it and those after it are over")
      .argument("<number>", "the snapshot's number", wholeNumber(1, Number.MAX_SAFE_INTEGER))
      .option("--keep", "let the snapshot stay, to be gone back to again"),
  ).action(revert);
  withRemote(
    lab
      .command("dump")
      .description("write the whole network into a CAR file, keys in the clear: `devnet --load` goes on with it")
      .argument("<file>", "the file to write")
      .option("--force", "replace a file that is there"),
  ).action(dump);
  const epochs = wholeNumber(1, MAX_EPOCHS);
  withRemote(
    lab.command("mine").description("make tipsets in successive epochs").argument("[count]", "how many", epochs, 1),
  ).action((count: number, options: RemoteOptions) => pass(options, "Devnet.mine", [count], count));
  withRemote(
    lab
      .command("mine-to")
      .description("make tipsets until the head stands at an epoch")
      .argument("<epoch>", "the epoch", wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  ).action((epoch: number, options: RemoteOptions) => mineTo(epoch, options, "Devnet.mineTo"));
  withRemote(
    lab
      .command("fast-forward")
      .description("come to an epoch, however far, by null rounds, with tipsets where miners have sectors to prove")
      .argument("<epoch>", "the epoch", wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  ).action((epoch: number, options: RemoteOptions) => mineTo(epoch, options, "Devnet.fastForward"));
  withRemote(
    lab
      .command("pass")
      .description("pass time: make all tipsets of it, with cron and proofs")
      .argument("<duration>", "seconds, or with a unit: 30s, 15m, 2h, 1d", duration),
  ).action(passTime);
  withRemote(
    lab
      .command("deadline")
      .description("make tipsets until a deadline of a miner opens: the next with sectors, unless one is named")
      .argument("[deadline]", "its index", wholeNumber(0, 47))
      .option("--miner <address>", "the miner", "miner"),
  ).action(async (deadline: number | undefined, options: RemoteOptions & { readonly miner: string }) => {
    const remote = await Remote.open(options);
    const miner = await remote.address(options.miner, "--miner");
    await pass(options, "Devnet.mineToDeadline", [miner, deadline ?? null]);
  });
  withRemote(
    lab
      .command("sector")
      .description("make tipsets until a sector is in a state, such as Proving or Faulty")
      .argument("<number>", "the sector's number", wholeNumber(0, Number.MAX_SAFE_INTEGER))
      .argument("<state>", "as `SectorsStatus` names it")
      .option("--miner <address>", "the miner", "miner")
      .option("--epochs <n>", "epochs that are waited at the most", epochs, 3500),
  ).action(
    async (
      number: number,
      state: string,
      options: RemoteOptions & { readonly miner: string; readonly epochs: number },
    ) => {
      const remote = await Remote.open(options);
      const miner = await remote.address(options.miner, "--miner");
      await pass(options, "Devnet.mineToSector", [miner, number, state, options.epochs], options.epochs, true);
    },
  );
}

async function snapshot(options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const id = await remote.call<number>("Devnet.snapshot");
  say(options.json, { snapshot: id }, [
    `snapshot ${id}; go back to it with: ${nextCommand(`filigree lab revert ${id}`, options)}`,
  ]);
}

async function snapshots(options: RemoteOptions): Promise<void> {
  const found = await (await Remote.open(options)).call<readonly Listed[]>("Devnet.snapshots");
  const all = found.map(({ Id, Epoch, Messages }) => ({ snapshot: Id, epoch: Epoch, messages: Messages }));
  const lines = all.map((one) => `${one.snapshot}  epoch ${one.epoch}, ${countText(one.messages, "message")} waiting`);
  say(options.json, { snapshots: all }, lines.length === 0 ? ["there are none"] : lines);
}

async function revert(id: number, options: RemoteOptions & { readonly keep?: true }): Promise<void> {
  await pass(options, "Devnet.revert", [id, options.keep === true]);
}

/** A call that gives the head, however long it takes. */
async function mineTo(epoch: number, options: RemoteOptions, method: string): Promise<void> {
  const remote = await Remote.open(options);
  const head = await remote.call<Head>("Filecoin.ChainHead");
  if (head.Height > epoch)
    throw new Error(
      `the head is at epoch ${head.Height} already; \`${nextCommand("filigree lab snapshots", options)}\` lists what can be gone back to`,
    );
  await pass(options, method, [epoch], epoch - head.Height);
}

async function passTime(seconds: number, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const { BlockDelaySecs } = await remote.call<{ readonly BlockDelaySecs: number }>("StateGetNetworkParams");
  await pass(options, "Devnet.passTime", [seconds], Math.ceil(seconds / BlockDelaySecs));
}

/** Methods that make a tipset in every epoch: null rounds come there sooner. */
const BY_TIPSETS: readonly string[] = ["Devnet.mine", "Devnet.mineTo", "Devnet.mineToSector", "Devnet.passTime"];

/** `epochs`: how many it passes, where that is known; or with `isLimit` at the most. */
async function pass(
  options: RemoteOptions,
  method: string,
  params: readonly unknown[],
  epochs: number | null = null,
  isLimit = false,
): Promise<void> {
  const remote = await Remote.open(options);
  const height = async (): Promise<number> => (await remote.call<Head>("ChainHead")).Height;
  const first = await height();
  const forward = nextCommand("filigree lab fast-forward <epoch>", options);
  const progress = {
    ...{ height, first, target: epochs === null ? null : first + epochs, isLimit },
    ...(BY_TIPSETS.includes(method) ? { hint: `${forward} comes far ahead by null rounds, and sooner` } : {}),
  };
  const head = await tellingEpochs(progress, () =>
    interruptible((signal) => remote.wait<Head>(method, params, signal)),
  ).catch(async (error: unknown) => {
    if (!(error instanceof InterruptedError)) throw error;
    const found = await remote.ask<Head>("ChainHead").catch(() => null);
    throw found === null ? error : new InterruptedError(`epoch ${found.Height}`, "the head stands at");
  });
  const time = new Date(Number(head.Blocks[0]?.Timestamp) * 1000).toISOString();
  const tipset = head.Cids.map((cid) => cid["/"]);
  say(options.json, { epoch: head.Height, tipset, time }, [`the head is at epoch ${head.Height}, ${time}`]);
}

async function dump(file: string, options: RemoteOptions & { readonly force?: true }): Promise<void> {
  const { force } = options;
  await checkOutput(file, { force });
  const remote = await Remote.open(options);
  const line = progressLine();
  const report = (bytes: number): void => line.show(sizeText(bytes));
  const bytes = await interruptible((signal) =>
    writeOutput(file, { force }, (handle) => carOfNetwork(remote, handle, { signal, report })),
  ).finally(() => line.clear());
  say(options.json, { file, bytes }, [
    `${file}: ${sizeText(bytes)}; go on with it: filigree devnet --load ${shellWord(file)}`,
    "It holds the network's keys in the clear.",
  ]);
}
