/** What the tools are made of: a form whose outcome is shown below it, its fields, and a list of what was found. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { errorText } from "../node.ts";
import { Card, Words } from "../parts.tsx";
import { Latest } from "../tools/latest.ts";
import type { Finding } from "../tools/verify.ts";

/** A form whose outcome is shown below it, until it is of what stood there before. `more`: what another button does first. */
export function Tool<T>(props: {
  title: string;
  about: string;
  button: string;
  run: () => Promise<T>;
  show: (value: T) => ComponentChildren;
  more?: { readonly button: string; readonly run: () => Promise<unknown> };
  children: ComponentChildren;
}): JSX.Element {
  const [outcome, setOutcome] = useState<{ readonly value: T } | { readonly error: string } | "at work" | null>(null);
  const [latest] = useState(() => new Latest());
  const forget = (): void => {
    latest.forget();
    setOutcome(null);
  };
  const ask = <R,>(run: () => Promise<R>, show: (value: R) => void): void => {
    setOutcome("at work");
    void latest.ask(run, show, (error) => setOutcome({ error: errorText(error) }));
  };
  const { more } = props;
  return (
    <Card title={props.title}>
      <p>
        <Words of={props.about} />
      </p>
      <form
        onInput={forget}
        onSubmit={(event) => {
          event.preventDefault();
          ask(props.run, (value) => setOutcome({ value }));
        }}
      >
        {props.children}
        <p class="row">
          {more === undefined ? null : (
            <button type="button" onClick={() => ask(more.run, () => setOutcome(null))}>
              {more.button}
            </button>
          )}
          <button type="submit">{props.button}</button>
        </p>
      </form>
      <div role="status">
        {outcome === null ? null : outcome === "at work" ? (
          <p class="faint">…</p>
        ) : "error" in outcome ? (
          <p class="error">{outcome.error}</p>
        ) : (
          props.show(outcome.value)
        )}
      </div>
    </Card>
  );
}

export function Text({
  name,
  value,
  set,
  rows = 1,
}: {
  name: string;
  value: string;
  set: (text: string) => void;
  rows?: number;
}): JSX.Element {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: either branch is one
    <label class="block">
      {name}
      {rows > 1 ? (
        <textarea rows={rows} value={value} onInput={(event) => set(event.currentTarget.value)} />
      ) : (
        <input type="text" value={value} onInput={(event) => set(event.currentTarget.value)} />
      )}
    </label>
  );
}

export function Findings({ all }: { all: readonly Finding[] }): JSX.Element {
  return (
    <ul>
      {all.map(({ text, isGood }) => (
        <li key={text} class={`text ${isGood ? "good" : "bad"}`}>
          {isGood ? "✓" : "✗"} {text}
        </li>
      ))}
    </ul>
  );
}
