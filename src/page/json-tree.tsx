/** Decoded values: objects and lists that open, with links of what is an address or a CID. Bounded in depth and length. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Address, CidLink } from "./parts.tsx";

const MOST_ENTRIES = 100;
const MOST_LETTERS = 400;
const ADDRESS = /^[ft][0-4]([0-9]+|[a-z2-7]{30,100})$/;

export function JsonTree({ value, depth = 0 }: { value: unknown; depth?: number }): JSX.Element {
  if (typeof value === "string") return <Text text={value} />;
  if (value === null || typeof value !== "object") return <span class="mono">{String(value)}</span>;
  const link = (value as { "/"?: unknown })["/"];
  if (typeof link === "string") return <CidLink of={link} />;
  return <Opened value={value} depth={depth} />;
}

function Text({ text }: { text: string }): JSX.Element {
  if (ADDRESS.test(text)) return <Address of={text} />;
  return (
    <span class="mono text">
      {text.length > MOST_LETTERS
        ? `${text.slice(0, MOST_LETTERS)}… (${text.length} characters)`
        : text === ""
          ? "(empty)"
          : text}
    </span>
  );
}

function Opened({ value, depth }: { value: object; depth: number }): JSX.Element {
  const [isOpen, setOpen] = useState(depth < 2);
  const entries = Object.entries(value);
  const what = Array.isArray(value) ? `list of ${entries.length}` : `${entries.length} fields`;
  if (entries.length === 0) return <span class="faint">{Array.isArray(value) ? "empty list" : "no fields"}</span>;
  return (
    <div class="tree">
      {depth === 0 ? null : (
        <button type="button" class="plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "▾" : "▸"} {what}
        </button>
      )}
      {isOpen ? (
        <dl>
          {entries.slice(0, MOST_ENTRIES).map(([name, one]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <JsonTree value={one} depth={depth + 1} />
              </dd>
            </div>
          ))}
          {entries.length > MOST_ENTRIES ? <div class="faint">and {entries.length - MOST_ENTRIES} more</div> : null}
        </dl>
      ) : null}
    </div>
  );
}
