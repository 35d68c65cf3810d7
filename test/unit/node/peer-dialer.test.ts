/** Peers that a node stays connected to: dialled until they answer, and at once when a ban is over. */
import { expect, test } from "vitest";
import { PeerDialer } from "../../../src/node/peer-dialer.ts";

const PEER = "12D3KooWGUxcnsNH1QaqqQJmTJNcvy8RjAU9RR13RWFjVtskWDnn";
const ADDRESS = `/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`;

function open(address = ADDRESS) {
  let now = 0;
  let wake = (): void => undefined;
  const state = { connected: false, banned: false, answers: false, dials: 0 };
  const dialer = new PeerDialer([address, address], {
    connect: async () => {
      state.dials++;
      if (!state.answers) throw new Error("no answer");
      state.connected = true;
      return PEER;
    },
    isConnected: () => state.connected,
    isBanned: () => state.banned,
    now: () => now,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        wake = resolve;
        signal.onabort = () => reject(signal.reason);
      }),
  });
  dialer.start();
  const pass = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i++) {
      now += 1000;
      wake();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  return { dialer, state, pass };
}

test("who does not answer is dialled ever more seldom, but every half minute", async () => {
  const { dialer, state, pass } = open();
  await pass(120);
  expect(state.dials).toBeGreaterThan(6);
  expect(state.dials).toBeLessThan(12);
  expect(dialer.states()).toEqual([{ address: ADDRESS, peer: PEER, failure: "no answer" }]);
  state.answers = true;
  await pass(32);
  expect(state.connected).toBe(true);
  const { dials } = state;
  await pass(10);
  expect(state.dials).toBe(dials);
  await dialer.stop();
});

test("a peer that is banned is not dialled, and within seconds when the ban is over, however long it was", async () => {
  const { dialer, state, pass } = open();
  state.answers = true;
  state.banned = true;
  await pass(300);
  const { dials } = state;
  expect(dials).toBeLessThanOrEqual(1);
  state.connected = false;
  state.banned = false;
  await pass(2);
  expect(state.dials).toBe(dials + 1);
  expect(state.connected).toBe(true);
  await dialer.stop();
});
