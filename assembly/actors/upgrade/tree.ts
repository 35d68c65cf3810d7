/**
 * The upgrade of a whole state from actors v0 to v2 (network version 4): every actor gets its new code and layout, in the
 * order of the old tree; power, reward and verified registry, which need others, come last. What indebted miners get is
 * taken from the burnt funds. The new tree has a versioned root.
 * Source: specs-actors v2.1.0 actors/migration/top.go; lotus v1.0.0 chain/stmgr/forks.go (UpgradeActorsV2).
 */
import { Big } from "../../base/big";
import { Bytes, toText } from "../../base/bytes";
import { Cid } from "../../ipld/cid";
import { BlockStore } from "../../ipld/store";
import { builtinCode } from "../../runtime/actor";
import { addressKey, MapOf } from "../../runtime/collections";
import { Address } from "../../types/address";
import { ActorEntry, StateRoot } from "../../types/chain.gen";
import { BURNT_FUNDS, POWER, REWARD, VERIFIED_REGISTRY } from "../../types/singletons";
import { upgradeMiner } from "./miner";
import { upgradeAccount, upgradeCron, upgradeInit, upgradeMarket, upgradeMultisig, upgradePaych } from "./plain";
import { MinerHeads, PowerUpdates, upgradePower } from "./power";
import { upgradeReward } from "./reward";
import { Sides } from "./stores";
import { upgradeVerifreg } from "./verifreg";

const CODE_PREFIX: string = "fil/1/";
/** Version of a state root that wraps its tree. */
const ROOT_VERSION: u64 = 1;

/** Returns the new state root. `priorEpoch`: the last epoch under the old actors. Malformed state ends the run. */
export function upgradeToActorsV2(blocks: BlockStore, root: Cid, priorEpoch: i64): Cid {
  const sides = new Sides(blocks);
  const actors = new TreeUpgrade(sides, root, priorEpoch).run();
  const wrapper = new StateRoot();
  wrapper.version = ROOT_VERSION;
  wrapper.actors = actors;
  wrapper.info = sides.after.put(sides.after.writer().array(0).finish());
  return sides.after.putObject(wrapper);
}

/** Bare name of an actor of v0, or empty for a code that is none. */
function nameOf(code: Cid): string {
  const text = toText(code.digest);
  return text.startsWith(CODE_PREFIX) ? text.substring(CODE_PREFIX.length) : "";
}

@final
class TreeUpgrade extends MinerHeads {
  private readonly before: MapOf<ActorEntry>;
  private readonly after: MapOf<ActorEntry>;
  private readonly updates: PowerUpdates = new PowerUpdates();
  private fromBurnt: Big = Big.ZERO;

  constructor(
    private readonly sides: Sides,
    private readonly root: Cid,
    private readonly priorEpoch: i64,
  ) {
    super();
    this.before = MapOf.load<ActorEntry>(sides.before, root);
    this.after = MapOf.empty<ActorEntry>(sides.after);
  }

  run(): Cid {
    const sides = this.sides;
    const cursor = MapOf.load<ActorEntry>(sides.before, this.root).cursor();
    while (cursor.next()) this.one(cursor.key, cursor.value());

    const power = this.entry(this.before, POWER);
    power.head = upgradePower(sides, power.head, this.updates, this);
    this.put(POWER, power, "storagepower");
    const reward = this.entry(this.before, REWARD);
    reward.head = upgradeReward(sides, reward.head, power.head, this.priorEpoch);
    this.put(REWARD, reward, "reward");
    const registry = this.entry(this.before, VERIFIED_REGISTRY);
    registry.head = upgradeVerifreg(sides, registry.head, this.after);
    this.put(VERIFIED_REGISTRY, registry, "verifiedregistry");

    const burnt = this.entry(this.after, BURNT_FUNDS);
    burnt.balance = burnt.balance.sub(this.fromBurnt);
    if (burnt.balance.negative) sides.before.fail("miners owe more than was ever burnt");
    this.after.put(addressKey(BURNT_FUNDS), burnt);
    return this.after.root();
  }

  headOf(miner: Address): Cid {
    return this.entry(this.before, miner).head;
  }

  private entry(map: MapOf<ActorEntry>, address: Address): ActorEntry {
    const found = map.get(addressKey(address));
    if (found !== null) return found;
    this.sides.before.fail("an actor that the upgrade needs does not exist");
    return new ActorEntry();
  }

  private put(address: Address, actor: ActorEntry, name: string): void {
    actor.code = builtinCode(2, name);
    this.after.put(addressKey(address), actor);
  }

  private one(key: Bytes, actor: ActorEntry): void {
    const sides = this.sides;
    const name = nameOf(actor.code);
    if (name == "storagepower" || name == "reward" || name == "verifiedregistry") return;
    if (name == "account") actor.head = upgradeAccount(sides, actor.head);
    else if (name == "cron") actor.head = upgradeCron(sides, actor.head);
    else if (name == "init") actor.head = upgradeInit(sides, actor.head);
    else if (name == "storagemarket") actor.head = upgradeMarket(sides, actor.head);
    else if (name == "multisig") actor.head = upgradeMultisig(sides, actor.head);
    else if (name == "paymentchannel") actor.head = upgradePaych(sides, actor.head);
    else if (name == "storageminer") this.miner(new Address(key), actor);
    else if (name != "system") sides.before.fail("an actor of unknown code cannot be upgraded");
    this.put(new Address(key), actor, name);
  }

  private miner(address: Address, actor: ActorEntry): void {
    const done = upgradeMiner(this.sides, actor.head, address, actor.balance, this.priorEpoch, this.updates);
    actor.head = done.head;
    actor.balance = actor.balance.add(done.transfer);
    this.fromBurnt = this.fromBurnt.add(done.transfer);
  }
}
