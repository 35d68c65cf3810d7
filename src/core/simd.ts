/** Which of a module's two builds an engine should load: the one with SIMD, or the one without. */
import type { Asset } from "../platform/platform.ts";
import { isGivenFile } from "./load.ts";

/** A function of one vector instruction; it validates where SIMD is implemented. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Whether the engine has WebAssembly SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

/** Both builds of a module. */
export type Builds = { readonly plain: Asset; readonly simd: Asset };

/** The build to load unless somebody says which: by what the engine has, or the only one that `useWasm` was given. */
export function chooseBuild({ plain, simd }: Builds, wanted?: boolean): Asset {
  const onlyPlain = isGivenFile(plain.name) && !isGivenFile(simd.name);
  return (wanted ?? (hasSimd() && !onlyPlain)) ? simd : plain;
}
