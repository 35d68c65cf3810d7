/** Tools that verify: a path of blocks from a state root to a value, and proofs of sectors. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { JsonTree } from "../json-tree.tsx";
import { devnet } from "../node.ts";
import { bytesOf } from "../tools/decode.ts";
import type { ProofAnswer, ProofQuestion } from "../tools/proof-worker.ts";
import type { PathFound } from "../tools/state.ts";
import type { Finding } from "../tools/verify.ts";
import { Findings, Text, Tool } from "./tool-parts.tsx";

export function StatePath(): JSX.Element {
  const [root, setRoot] = useState("");
  const [path, setPath] = useState("");
  const [car, setCar] = useState("");
  const take = async (): Promise<void> => {
    const { headRoot, takePath } = await import("../tools/state.ts");
    const wanted = root.trim() === "" ? await headRoot() : root;
    setCar(await takePath(wanted, path));
    setRoot(wanted);
  };
  return (
    <Tool<PathFound>
      title="Path in a state"
      about="A value of a state, shown by the blocks on the way to it from the state's root: t01000, t01000/Balance, t01000/Sectors/0, t04/Claims/t01000. Whoever trusts the root needs no node to check it."
      more={{ button: "Take the blocks from the node", run: take }}
      button="Check the path"
      run={async () => (await import("../tools/state.ts")).checkStatePath(root, path, car)}
      show={({ findings, value }) => (
        <>
          <Findings all={findings} />
          <JsonTree value={value} />
        </>
      )}
    >
      <Text name="Path" value={path} set={setPath} />
      <Text
        name="State root (empty: that of the node's head, when blocks are taken from it)"
        value={root}
        set={setRoot}
      />
      <Text name="Blocks: a CAR file, base64 or hex" value={car} set={setCar} rows={3} />
    </Tool>
  );
}

/** Longest file of a proof or of a key that is read, bytes. */
const MOST_BYTES = 64 << 20;

async function bytesOfFile(file: File): Promise<Uint8Array> {
  if (file.size > MOST_BYTES) throw new Error(`${file.name}: at most ${MOST_BYTES} bytes are read`);
  return new Uint8Array(await file.arrayBuffer());
}

/** Verifying keys that a local network with real proofs describes itself with. */
function keysOfNetwork(): Uint8Array[] {
  return Object.values(devnet.value?.verifyingKeys ?? {}).flatMap((text) => bytesOf(text) ?? []);
}

function ask(question: ProofQuestion): Promise<readonly Finding[]> {
  const worker = new Worker(new URL("../tools/proof-worker.ts", import.meta.url), { type: "module", name: "proof" });
  return new Promise<readonly Finding[]>((resolve, reject) => {
    worker.addEventListener("error", (event) => reject(new Error(event.message)));
    worker.addEventListener("message", ({ data }: MessageEvent<ProofAnswer>) => {
      if (data.kind === "findings") resolve(data.findings);
      else reject(new Error(data.text));
    });
    worker.postMessage(question);
  }).finally(() => worker.terminate());
}

export function Proof(): JSX.Element {
  const [text, setText] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [key, setKey] = useState<File | null>(null);
  const run = async (): Promise<readonly Finding[]> => {
    const proof = file === null ? bytesOf(text) : await bytesOfFile(file);
    if (proof === null) throw new Error("a proof in base64 or hex, or its file, is expected");
    return ask({ proof, keys: key === null ? keysOfNetwork() : [await bytesOfFile(key)] });
  };
  return (
    <Tool<readonly Finding[]>
      title="Proof of a sector"
      about="A proof of replication or of spacetime, as `filigree prove` writes it, checked here against the statement in it: openings by themselves, a SNARK by the verifying key of its circuit."
      button="Check the proof"
      run={run}
      show={(all) => <Findings all={all} />}
    >
      <Text name="Proof, base64 or hex" value={text} set={setText} rows={3} />
      <label class="block">
        or its file: <input type="file" onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
      </label>
      <label class="block">
        Verifying key of a SNARK's circuit (.vk or .params; none: those of this network):{" "}
        <input type="file" onChange={(event) => setKey(event.currentTarget.files?.[0] ?? null)} />
      </label>
    </Tool>
  );
}
