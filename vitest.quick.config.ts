/**
 * The quick tests: `npm test`. What takes long is left to `npm run test:all`: whole networks and commands in processes of
 * their own, sectors and circuits, the corpus, and the attacks. Everything else is here.
 */
import { testsBut } from "./vitest.config.ts";

const SLOW = [
  "test/e2e/**",
  "test/conformance/**",
  "test/docs/*guide*",
  "test/docs/scenarios*",
  "test/queue/**",
  "test/unit/proofs/**",
  "test/unit/beacon/**",
  "test/unit/network/**",
  "test/unit/proving/**",
];

export default testsBut(SLOW);
