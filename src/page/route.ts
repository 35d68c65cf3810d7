/** Which view is shown: the fragment of the address, "#/view/what". */
import { signal } from "@preact/signals";

export type Route = { readonly view: string; readonly rest: readonly string[] };

function read(): Route {
  const [view = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decode);
  return { view: view === "" ? "chain" : view, rest };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal<Route>(read());
addEventListener("hashchange", () => {
  route.value = read();
});

export function linkTo(view: string, ...rest: readonly (string | number)[]): string {
  return `#/${[view, ...rest].map((part) => encodeURIComponent(part)).join("/")}`;
}

export function go(view: string, ...rest: readonly (string | number)[]): void {
  location.hash = linkTo(view, ...rest);
}
