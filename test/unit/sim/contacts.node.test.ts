/** From when on nodes must agree: news come with who comes into reach, over honest nodes or others. Seed 151 of the simulator. */
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../src/sim/clock.ts";
import { Contacts } from "../../../src/sim/contacts.ts";
import type { SimDisk } from "../../../src/sim/disk.ts";
import { Links, NO_FAULTS } from "../../../src/sim/links.ts";
import type { SimNode } from "../../../src/sim/node.ts";
import { Properties } from "../../../src/sim/properties.ts";
import { Random } from "../../../src/sim/random.ts";
import { Spine } from "../../../src/sim/spine.ts";
import type { Tipset } from "../../../src/types/block-header.ts";
import { drain } from "../../support/simulated.ts";

describe("contacts", () => {
  const closedAt = (contacts: Contacts, epoch: number, worlds: number[][]) =>
    contacts.update(epoch, [[0, 1]], worlds)[0];

  test("an island stays closed while nobody comes, and is open anew when somebody comes from elsewhere", () => {
    const contacts = new Contacts();
    expect(closedAt(contacts, 3, [[0, 1], [2]])).toMatchObject({ since: 3, closedSince: 3 });
    expect(closedAt(contacts, 4, [[0, 1], [2]])).toMatchObject({ since: 3, closedSince: 3 });
    expect(closedAt(contacts, 5, [[0, 1, 2]])).toMatchObject({ since: 3, closedSince: 5 });
    expect(closedAt(contacts, 6, [[0, 1, 2]])).toMatchObject({ since: 3, closedSince: 5 });
  });

  test("who was down since he was in reach brings nothing; who was up elsewhere meanwhile does", () => {
    const contacts = new Contacts();
    closedAt(contacts, 0, [[0, 1, 2, 3]]);
    closedAt(contacts, 1, [[0, 1, 2]]);
    expect(closedAt(contacts, 2, [[0, 1, 2, 3]])).toMatchObject({ closedSince: 0 });
    closedAt(contacts, 3, [[0, 1, 2], [3]]);
    closedAt(contacts, 4, [[0, 1, 2]]);
    expect(closedAt(contacts, 5, [[0, 1, 2, 3]])).toMatchObject({ since: 0, closedSince: 5 });
  });

  test("an island of other nodes begins anew", () => {
    const contacts = new Contacts();
    closedAt(contacts, 0, [[0, 1, 2]]);
    expect(contacts.update(1, [[0, 1, 2]], [[0, 1, 2]])).toMatchObject([{ since: 1, closedSince: 1 }]);
  });
});

/** Honest nodes 0 and 1, apart from node 3 and from node 2, an adversary, that links both sides; ten epochs later 0 takes 3's chain. */
async function parted({ heals }: { readonly heals: boolean }) {
  const clock = new VirtualClock(0, drain);
  const pairs = [
    [0, 1],
    [0, 2],
    [2, 3],
  ] as const;
  const links = new Links(clock, new Random("contacts"), 4, NO_FAULTS, pairs);
  const watched = [0, 1, 2, 3].map((i) => ({ isHonest: i !== 2, disk: {} as SimDisk, spine: new Spine() }));
  const properties = new Properties(watched, links, clock);
  // Their stores are not looked at.
  const down = watched.map((_, index) => ({ index, isUp: false }) as SimNode);
  const end = { life: { alive: true }, wants: () => true, opened: () => undefined, closed: () => undefined };
  links.partition([
    [0, 1],
    [2, 3],
  ]);
  for (const { index } of down) links.join(index, end);
  const tipset = (height: number, side: string) => ({ height, key: [`${side}${height}`] }) as unknown as Tipset;
  const apply = (height: number, side: string) => ({ type: "apply", tipset: tipset(height, side) }) as const;
  const epochs = Array.from({ length: 10 }, (_, i) => i);
  for (const epoch of epochs) {
    for (const node of [0, 1]) properties.moved(node, [apply(epoch, epoch < 2 ? "" : "left")]);
    for (const node of [2, 3]) properties.moved(node, [apply(epoch, epoch < 2 ? "" : "right")]);
    await clock.runUntil(30_000 * epoch + 9000);
    await properties.check(epoch, down);
  }
  if (heals) links.heal();
  const last = epochs.slice(2);
  properties.moved(0, [
    ...last.toReversed().map((epoch) => ({ type: "revert", tipset: tipset(epoch, "left") }) as const),
    ...last.map((epoch) => apply(epoch, "right")),
  ]);
  return async (epoch: number) => {
    await clock.runUntil(30_000 * epoch + 9000);
    for (const node of [0, 3]) properties.moved(node, [apply(epoch, "right")]);
    properties.moved(1, [apply(epoch, "left")]);
    await properties.check(epoch, down);
  };
}

describe("agreement", () => {
  const violated = { data: { code: "VIOLATED", property: "agreement" } };

  test("nodes that met the other side over an adversary alone have time to hear of its chain, and no more", async () => {
    const check = await parted({ heals: true });
    for (let epoch = 10; epoch < 18; epoch++) await check(epoch);
    await expect(check(18)).rejects.toMatchObject(violated);
  });

  test("nodes to whom nobody came have none", async () => {
    const check = await parted({ heals: false });
    await expect(check(10)).rejects.toMatchObject(violated);
  });
});
