/** What may be done to a local network: time, snapshots, faults, money. Every control is a method of the JSON-RPC. */
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { Subscription } from "../../client.ts";
import { head, revision } from "../chain.ts";
import { wholeNumber } from "../input.ts";
import type { MinerReportJson } from "../json.ts";
import { useLive } from "../live.ts";
import { call, devnet, errorText, isPlayable, lock, unlock, unlocked } from "../node.ts";
import { Card, Epoch, Shown, Table } from "../parts.tsx";
import { piecesOf } from "../pieces.ts";

type Done = {
  readonly id: number;
  readonly text: string;
  readonly state: "at work" | "done" | "failed";
  /** Ends it; absent where it cannot be ended, or is over. */
  readonly cancel?: () => void;
};
/** What is being done, and what the last control came to; read out to who cannot see it. */
const outcomes = signal<readonly Done[]>([]);
/** Lines of it. */
const MOST_OUTCOMES = 8;
let acts = 0;

/**
 * Does something and tells what came of it: one that ends takes no other's place that still goes on. `cancelled`: what is told of it when it
 * is cancelled, by the signal that it is given; without that it cannot be.
 */
async function act(what: string, work: (signal: AbortSignal) => Promise<unknown>, cancelled?: string): Promise<void> {
  const id = ++acts;
  const abort = new AbortController();
  const tell = (text: string, state: Done["state"], cancel?: () => void): void => {
    const others = outcomes.value.filter((one) => one.id !== id && one.state === "at work");
    const own = { id, text, state, ...(cancel === undefined ? {} : { cancel }) };
    outcomes.value = [...others, own].slice(-MOST_OUTCOMES);
  };
  tell(`${what} …`, "at work", cancelled === undefined ? undefined : () => abort.abort());
  try {
    const result = await work(abort.signal);
    tell(typeof result === "string" ? `${what}: ${result}` : `${what}: done`, "done");
  } catch (error) {
    if (abort.signal.aborted) tell(`${what}: ${cancelled}`, "done");
    else tell(`${what}: ${errorText(error)}`, "failed");
  } finally {
    // What is shown may have changed although the chain has not moved.
    revision.value++;
  }
}

/** Of what passes time: the node ends with the tipset that it is at. */
const PASSED = "cancelled; the tipsets that were made stay";
const ofHead = (tipset: unknown): string => `the head is at epoch ${(tipset as { Height: number }).Height}`;

export function ControlsView(): JSX.Element {
  if (!isPlayable.value)
    return (
      <Card title="Controls">
        <p>
          Time, snapshots and faults are controls of local networks of one node; this node is of another network, or its
          network has several nodes. There <code>filigree send</code> and <code>filigree miner sectors pledge</code> do
          what can be done, each at a node that has the key or the miner.
        </p>
      </Card>
    );
  return (
    <>
      <Lock />
      <div class="outcome" role="status">
        {outcomes.value.map(({ id, text, state, cancel }) => (
          <p key={id} class={state === "failed" ? "error" : undefined}>
            {text}
            {cancel === undefined ? null : (
              <>
                {" "}
                <button type="button" aria-label={`Cancel: ${text}`} onClick={cancel}>
                  Cancel
                </button>
              </>
            )}
          </p>
        ))}
      </div>
      {unlocked.value ? (
        <>
          <Time />
          <Snapshots />
          <Faucet />
          <Faults />
        </>
      ) : null}
    </>
  );
}

function Lock(): JSX.Element {
  const [token, setToken] = useState("");
  if (unlocked.value)
    return (
      <p class="row">
        <span>Controls are open.</span>
        <button type="button" onClick={lock}>
          Close them and forget the token
        </button>
      </p>
    );
  return (
    <Card title="Controls are closed">
      <p>
        This page only reads. To control the network give the node's admin token (
        <code>filigree auth token --perm admin</code>). A network on loopback asks for none: leave the field empty.
      </p>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void act("Opening the controls", () => unlock(token.trim()));
        }}
      >
        <label>
          Token{" "}
          <input
            type="password"
            autocomplete="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Open the controls</button>
      </form>
    </Card>
  );
}

/** A number or a text, and the button that does something with it. */
function Field(props: {
  name: string;
  button: string;
  start: string;
  run: (value: string, signal: AbortSignal) => Promise<unknown>;
  /** As of `act`. */
  cancelled?: string;
}): JSX.Element {
  const [value, setValue] = useState(props.start);
  return (
    <form
      class="field"
      onSubmit={(event) => {
        event.preventDefault();
        void act(props.button, (signal) => props.run(value.trim(), signal), props.cancelled);
      }}
    >
      <label>
        {props.name}
        <input
          type="number"
          step="any"
          value={value}
          required
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      </label>
      <button type="submit">{props.button}</button>
    </form>
  );
}

function Button({
  text,
  run,
  cancelled,
  children,
}: {
  text: string;
  run: (signal: AbortSignal) => Promise<unknown>;
  /** As of `act`. */
  cancelled?: string;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <button type="button" onClick={() => void act(text, run, cancelled)}>
      {children ?? text}
    </button>
  );
}

function Time(): JSX.Element {
  const { blockTime } = devnet.value as { blockTime: number };
  return (
    <Card title="Time">
      <div class="row">
        <Button
          text="Mine one tipset"
          run={async (signal) => ofHead(await call("Devnet.mine", signal, 1))}
          cancelled={PASSED}
        />
        <Button text="Pause the clock" run={() => call("Devnet.setAutomine", false)} />
        <Button text="Run the clock" run={() => call("Devnet.setAutomine", true)} />
      </div>
      <Field
        name="Tipsets"
        button="Mine"
        start="10"
        run={async (count, signal) => ofHead(await call("Devnet.mine", signal, Number(count)))}
        cancelled={PASSED}
      />
      <Field
        name="Null rounds"
        button="Skip rounds"
        start="3"
        run={async (count, signal) => ofHead(await call("Devnet.skipRounds", signal, Number(count)))}
        cancelled="cancelled"
      />
      <Field
        name="Seconds of chain time"
        button="Pass time"
        start="3600"
        run={async (seconds, signal) => ofHead(await call("Devnet.passTime", signal, Number(seconds)))}
        cancelled={PASSED}
      />
      <Field
        name="Epoch"
        button="Mine to the epoch"
        start={String((head.peek()?.epoch ?? 0) + 60)}
        run={async (epoch, signal) => ofHead(await call("Devnet.mineTo", signal, Number(epoch)))}
        cancelled={PASSED}
      />
      <Field
        name="Seconds between tipsets (0: when a message comes)"
        button="Set block time"
        start={String(blockTime)}
        run={(seconds) => call("Devnet.setBlockTime", Number(seconds))}
      />
    </Card>
  );
}

type SnapshotJson = { readonly Id: number; readonly Epoch: number; readonly Messages: number };
function Snapshots(): JSX.Element {
  const live = useLive("snapshots", () => call<readonly SnapshotJson[]>("Devnet.snapshots"));
  return (
    <Card title="Snapshots">
      <div class="row">
        <Button text="Take a snapshot" run={() => call<number>("Devnet.snapshot").then((id) => `number ${id}`)} />
        <Button text="Save the network as a file" run={save} cancelled="cancelled" />
      </div>
      <Shown live={live}>
        {(rows) => (
          <Table<SnapshotJson>
            caption="Snapshots"
            rows={rows}
            keyOf={({ Id }) => Id}
            empty="none"
            columns={[
              { title: "Number", cell: ({ Id }) => Id, isNumber: true },
              { title: "Epoch", cell: ({ Epoch: epoch }) => <Epoch of={epoch} />, isNumber: true },
              { title: "Waiting messages", cell: ({ Messages }) => Messages, isNumber: true },
              {
                title: "Way back",
                cell: ({ Id }) => (
                  <Button text={`Go back to snapshot ${Id}`} run={() => call("Devnet.revert", Id, true).then(ofHead)}>
                    Go back
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Shown>
    </Card>
  );
}

/** The whole network as a CAR file, which the browser keeps as a download. */
async function save(signal: AbortSignal): Promise<string> {
  const parts = await piecesOf((take) => call<Subscription>("Devnet.dump", signal, take), signal);
  const url = URL.createObjectURL(new Blob(parts, { type: "application/vnd.ipld.car" }));
  const link = Object.assign(document.createElement("a"), {
    href: url,
    download: `${devnet.value?.networkName ?? "network"}.car`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return `${parts.reduce((sum, { length }) => sum + length, 0)} bytes, keys in the clear; \`filigree devnet --load\` goes on with it`;
}

function Faucet(): JSX.Element {
  const accounts = devnet.value?.accounts ?? [];
  const [to, setTo] = useState(accounts[1]?.secp256k1 ?? "");
  const [amount, setAmount] = useState("10");
  const send = async (): Promise<string> => {
    if (!/^\d{1,12}(\.\d{1,18})?$/.test(amount)) throw new Error("an amount in FIL such as 10 or 0.5 is expected");
    const [whole = "0", rest = ""] = amount.split(".");
    const Value = BigInt(whole + rest.padEnd(18, "0")).toString();
    const { CID } = await call<{ CID: { "/": string } }>(
      "Filecoin.MpoolPushMessage",
      { To: to.trim(), From: accounts[0]?.secp256k1, Value, Method: 0 },
      null,
    );
    return `message ${CID["/"]}`;
  };
  return (
    <Card title="Faucet">
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault();
          void act("Sending", send);
        }}
      >
        <label>
          Receiver
          <input
            type="text"
            list="accounts"
            value={to}
            required
            onInput={(event) => setTo(event.currentTarget.value)}
          />
        </label>
        <datalist id="accounts">
          {accounts.map(({ name, secp256k1 }) => (
            <option key={name} value={secp256k1}>
              {name}
            </option>
          ))}
        </datalist>
        <label>
          FIL{" "}
          <input
            type="text"
            inputmode="decimal"
            value={amount}
            required
            onInput={(event) => setAmount(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Send FIL</button>
      </form>
      <p class="faint">Comes from {accounts[0]?.name ?? "the first account"}.</p>
    </Card>
  );
}

function Faults(): JSX.Element {
  const miners = devnet.value?.miners ?? [];
  const [miner, setMiner] = useState(miners[0]?.address ?? "");
  const [sector, setSector] = useState("0");
  const [anyway, setAnyway] = useState(false);
  const live = useLive(`faults ${miner}`, () =>
    call<readonly MinerReportJson[]>("Devnet.minerReport", miner).then(([first]) => first as MinerReportJson),
  );
  if (miners.length === 0)
    return (
      <Card title="Faults">
        <p>
          This network has no miners with sectors: start it with <code>filigree devnet --miners 3</code>.
        </p>
      </Card>
    );
  const number = (): number => wholeNumber(sector, "Sector");
  const fault = (kind: string) => async () => call("Devnet.setSectorFault", miner, number(), kind);
  return (
    <Card title="Miners and faults">
      <div class="field">
        <label>
          Miner
          <select value={miner} onChange={(event) => setMiner(event.currentTarget.value)}>
            {miners.map(({ address }) => (
              <option key={address}>{address}</option>
            ))}
          </select>
        </label>
        <label>
          Sector{" "}
          <input type="number" min={0} value={sector} onInput={(event) => setSector(event.currentTarget.value)} />
        </label>
      </div>
      <div class="row">
        <Button
          text="Pledge a sector"
          run={async () => `sector ${(await call<{ Number: number }>("Filecoin.PledgeSector", miner)).Number}`}
        />
        <Button text="Lose the sector" run={fault("lost")} />
        <Button text="Change the sector" run={fault("changed")} />
        <Button text="Bring the sector back" run={fault("none")} />
        <Button
          text="Terminate the sector"
          run={async () => call("Devnet.terminateSectors", miner, [number()], anyway)}
        />
      </div>
      <div class="row">
        <Button text="Leave out all proofs" run={() => call("Devnet.skipProofs", miner, null, anyway)} />
        <Button text="Make all proofs again" run={() => call("Devnet.skipProofs", miner, [])} />
        <Button text="Stop the miner" run={() => call("Devnet.setMiner", miner, false)} />
        <Button text="Start the miner" run={() => call("Devnet.setMiner", miner, true)} />
        <Button text="Sign a second block" run={() => call("Devnet.equivocate", miner, anyway)} />
      </div>
      <label>
        <input type="checkbox" checked={anyway} onChange={(event) => setAnyway(event.currentTarget.checked)} /> anyway,
        also where the chain would end with it
      </label>
      <Shown live={live}>
        {(report) => (
          <p class="faint">
            {report.On ? "It is on" : "It is stopped"}; faults played:{" "}
            {report.FileFaults.map(({ Sector, Fault }) => `sector ${Sector} ${Fault}`).join(", ") || "none"}; proofs
            left out: {report.SkippedDeadlines === null ? "all" : report.SkippedDeadlines.join(", ") || "none"}.
          </p>
        )}
      </Shown>
    </Card>
  );
}
