/** Tools that work on what is given to them: piece commitments, decoding, verification. No data leaves the page but where it says so. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, count, duration } from "../format.ts";
import { wholeNumber } from "../input.ts";
import { JsonTree } from "../json-tree.tsx";
import { ask } from "../node.ts";
import { Card, Facts } from "../parts.tsx";
import { type Decoded, decode } from "../tools/decode.ts";
import type { PieceNews } from "../tools/piece-worker.ts";
import { BEACONS, checkBeacon, checkHeader, type Finding } from "../tools/verify.ts";
import { Proof, StatePath } from "./proof-tools.tsx";
import { Findings, Text, Tool } from "./tool-parts.tsx";

export function ToolsView(): JSX.Element {
  return (
    <>
      <Piece />
      <Decoder />
      <Params />
      <Header />
      <Beacon />
      <StatePath />
      <Proof />
    </>
  );
}

type Piece = Extract<PieceNews, { kind: "piece" }>;

function Piece(): JSX.Element {
  const [name, setName] = useState("");
  const [progress, setProgress] = useState<readonly [number, number] | null>(null);
  const [piece, setPiece] = useState<Piece | null>(null);
  const [error, setError] = useState("");
  const worker = useRef<Worker | null>(null);
  useEffect(() => () => worker.current?.terminate(), []);
  const commit = (file: File | null | undefined): void => {
    if (file === null || file === undefined) return;
    worker.current?.terminate();
    const own = new Worker(new URL("../tools/piece-worker.ts", import.meta.url), { type: "module", name: "piece" });
    worker.current = own;
    setName(file.name);
    setPiece(null);
    setError("");
    setProgress([0, file.size]);
    const end = (): void => {
      own.terminate();
      setProgress(null);
    };
    own.addEventListener("error", (event) => {
      setError(event.message);
      end();
    });
    own.addEventListener("message", ({ data }: MessageEvent<PieceNews>) => {
      if (data.kind === "progress") return setProgress([data.done, file.size]);
      if (data.kind === "piece") setPiece(data);
      else setError(data.text);
      end();
    });
    own.postMessage(file);
  };
  return (
    <Card title="Piece commitment">
      <p>The piece CIDs (CommP) of a file, computed here as it is read. The file goes nowhere.</p>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the field inside it takes files from those who cannot drop them */}
      <div
        class="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          commit(event.dataTransfer?.files[0]);
        }}
      >
        <label>
          Drop a file here, or choose one:{" "}
          <input type="file" onChange={(event) => commit(event.currentTarget.files?.[0])} />
        </label>
      </div>
      {progress === null ? null : (
        <progress max={Math.max(1, progress[1])} value={progress[0]} aria-label={`Reading ${name}`} />
      )}
      {error === "" ? null : <p class="error">{error}</p>}
      {piece === null ? null : (
        <Facts
          rows={[
            ["File", name],
            [
              "Piece CID v1",
              <span key="v1" class="mono text">
                {piece.v1}
              </span>,
            ],
            [
              "Piece CID v2",
              <span key="v2" class="mono text">
                {piece.v2 ?? "none: fewer than 65 bytes"}
              </span>,
            ],
            ["Bytes", count(piece.payloadSize)],
            ["Padded piece", bytes(piece.paddedSize)],
            ["Time", duration(piece.ms)],
          ]}
        />
      )}
    </Card>
  );
}

function Decoder(): JSX.Element {
  const [text, setText] = useState("");
  return (
    <Tool<Decoded>
      title="Decoder"
      about="CIDs, addresses, and bytes (hex or base64) of headers, messages and DAG-CBOR. Needs no node."
      button="Decode"
      run={async () => decode(text)}
      show={({ what, value }) => (
        <>
          <p>This is {what}.</p>
          <JsonTree value={value} />
        </>
      )}
    >
      <Text name="Text to decode" value={text} set={setText} rows={3} />
    </Tool>
  );
}

function Params(): JSX.Element {
  const [to, setTo] = useState("");
  const [method, setMethod] = useState("");
  const [params, setParams] = useState("");
  return (
    <Tool<unknown>
      title="Parameters of a message"
      about="Decoded by the node, which knows the receiver's code."
      button="Decode the parameters"
      run={async () => {
        if (to.trim() === "") throw new Error("Receiver: an address is expected, such as t01000");
        return ask("Filecoin.StateDecodeParams", to.trim(), wholeNumber(method, "Method number"), params.trim(), null);
      }}
      show={(value) => <JsonTree value={value} />}
    >
      <Text name="Receiver" value={to} set={setTo} />
      <Text name="Method number" value={method} set={setMethod} />
      <Text name="Parameters, base64" value={params} set={setParams} rows={2} />
    </Tool>
  );
}

function Header(): JSX.Element {
  const [text, setText] = useState("");
  return (
    <Tool<readonly Finding[]>
      title="Block header"
      about="Hash and signature are checked here; bytes of a CID and the miner's key come from the node."
      button="Check the header"
      run={() => checkHeader(text)}
      show={(all) => <Findings all={all} />}
    >
      <Text name="Block CID, or the header's bytes" value={text} set={setText} rows={2} />
    </Tool>
  );
}

function Beacon(): JSX.Element {
  const [network, setNetwork] = useState("quicknet");
  const [round, setRound] = useState("");
  const [signature, setSignature] = useState("");
  const [previous, setPrevious] = useState("");
  return (
    <Tool<readonly Finding[]>
      title="Beacon entry"
      about="A round of the drand networks that Filecoin draws from, checked here."
      button="Check the entry"
      run={() => checkBeacon(network, round.trim(), signature, previous)}
      show={(all) => <Findings all={all} />}
    >
      <label class="block">
        Network
        <select value={network} onChange={(event) => setNetwork(event.currentTarget.value)}>
          {Object.keys(BEACONS).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <Text name="Round" value={round} set={setRound} />
      <Text name="Signature, hex" value={signature} set={setSignature} rows={2} />
      <Text name="Previous signature, hex (chained networks)" value={previous} set={setPrevious} rows={2} />
    </Tool>
  );
}
