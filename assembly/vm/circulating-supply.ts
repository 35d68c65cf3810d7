/**
 * The circulating supply that actors see: a fixed amount, or computed from the state and what is known of the genesis.
 *
 *   vested + mined + disbursed reserve - burnt - locked, not below 0
 *
 *   vested     what the genesis multisigs have unlocked, plus what genesis accounts have spent; until the second actors
 *              also the pledge and the market funds of the genesis
 *   mined      rewards paid so far (reward actor)
 *   disbursed  from the second actors on: the initial reserve less the reserve actor's balance
 *   burnt      balance of f099
 *   locked     deal collateral and fees (market actor) and pledge (power actor)
 *
 * Amounts unlock linearly by whole units per epoch: amount / duration * epochs passed, the division rounding first.
 * Until ignition the start epochs of the genesis multisigs counted as 0 and their amounts as given in the first table.
 * Reading is free. Source: lotus v1.0.0 chain/stmgr/stmgr.go.
 */
import { Big } from "../base/big";
import { CborReader } from "../ipld/cbor-reader";
import { BlockStore } from "../ipld/store";
import { BURNT_FUNDS_ID, MARKET_ID, POWER_ID, REWARD_ID } from "../types/singletons";
import { endRun } from "../abi/engine";
import { fieldOf } from "./foreign-state";
import { StateTree } from "./state-tree";

const RESERVE_ID: u64 = 90;

// Positions in the state tuples, the same in both generations (specs-actors v0.9.12 and v2.1.0).
const REWARD_TOTAL: i32 = 8;
const POWER_TOTAL_PLEDGE: i32 = 4;
const MARKET_CLIENT_COLLATERAL: i32 = 8;

const KIND_FIXED: u64 = 0;
const KIND_COMPUTED: u64 = 1;

/** An amount that unlocks over `duration` epochs from `start`. */
@final
class Vesting {
  amount: Big = Big.ZERO;
  duration: i64 = 0;
  start: i64 = 0;

  unlocked(epoch: i64): Big {
    const passed = epoch - this.start;
    if (passed >= this.duration) return this.amount;
    if (passed < 0) return Big.ZERO;
    const unit = this.amount.div(Big.fromI64(this.duration));
    return this.amount.sub(unit.mul(Big.fromI64(this.duration - passed)));
  }
}

@final
class GenesisAccount {
  id: u64 = 0;
  balance: Big = Big.ZERO;
}

@final
export class CirculatingSupply {
  private fixed: Big | null = null;
  private early: Array<Vesting> = [];
  private late: Array<Vesting> = [];
  private accounts: Array<GenesisAccount> = [];
  private ignition: i64 = 0;
  private secondActors: i64 = 0;
  private genesisPledge: Big = Big.ZERO;
  private genesisMarketFunds: Big = Big.ZERO;
  private initialReserve: Big = Big.ZERO;

  constructor(private readonly store: BlockStore) {}

  /**
   * Reads [0, amount], or [1, early vestings, late vestings, last epoch of the early ones, last epoch before the second
   * actors, genesis pledge, genesis market funds, initial reserve, genesis accounts as [id, balance]].
   */
  read(r: CborReader): void {
    const count = r.array(9);
    const kind = r.u64();
    if (kind == KIND_FIXED && count == 2) {
      this.fixed = r.big();
      return;
    }
    if (kind != KIND_COMPUTED || count != 9) {
      r.fail(1);
      return;
    }
    this.early = readVestings(r);
    this.late = readVestings(r);
    this.ignition = r.i64();
    this.secondActors = r.i64();
    this.genesisPledge = r.big();
    this.genesisMarketFunds = r.big();
    this.initialReserve = r.big();
    const accounts = r.array();
    for (let i = 0; i < accounts && r.ok; i++) {
      const account = new GenesisAccount();
      r.tuple(2);
      account.id = r.u64();
      account.balance = r.big();
      this.accounts.push(account);
    }
  }

  /** The supply at `epoch` in the present state. */
  at(epoch: i64, tree: StateTree): Big {
    const fixed = this.fixed;
    if (fixed !== null) return fixed;
    let supply = this.vested(epoch, tree).add(this.big(REWARD_ID, REWARD_TOTAL, 1, tree));
    if (epoch > this.secondActors) supply = supply.add(this.initialReserve.sub(balanceOf(RESERVE_ID, tree)));
    supply = supply
      .sub(balanceOf(BURNT_FUNDS_ID, tree))
      .sub(this.big(MARKET_ID, MARKET_CLIENT_COLLATERAL, 3, tree))
      .sub(this.big(POWER_ID, POWER_TOTAL_PLEDGE, 1, tree));
    return supply.negative ? Big.ZERO : supply;
  }

  private vested(epoch: i64, tree: StateTree): Big {
    const table = epoch <= this.ignition ? this.early : this.late;
    let sum = Big.ZERO;
    for (let i = 0; i < table.length; i++) sum = sum.add(table[i].unlocked(epoch));
    for (let i = 0; i < this.accounts.length; i++) {
      const spent = this.accounts[i].balance.sub(balanceOf(this.accounts[i].id, tree));
      if (spent.isPositive) sum = sum.add(spent);
    }
    return epoch <= this.secondActors ? sum.add(this.genesisPledge).add(this.genesisMarketFunds) : sum;
  }

  /** Sum of `count` amounts that stand one after another in an actor's state. */
  private big(id: u64, position: i32, count: i32, tree: StateTree): Big {
    const actor = tree.get(id);
    if (actor === null) {
      endRun("an actor that the circulating supply needs does not exist");
      return Big.ZERO;
    }
    const r = fieldOf(actor.head, position, this.store);
    let sum = Big.ZERO;
    for (let i = 0; i < count; i++) sum = sum.add(r.big());
    if (!r.ok) endRun("an actor that the circulating supply needs does not decode");
    return sum;
  }
}

function readVestings(r: CborReader): Array<Vesting> {
  const out: Array<Vesting> = [];
  const count = r.array();
  for (let i = 0; i < count && r.ok; i++) {
    const entry = new Vesting();
    r.tuple(3);
    entry.amount = r.big();
    entry.duration = r.i64();
    entry.start = r.i64();
    out.push(entry);
  }
  return out;
}

function balanceOf(id: u64, tree: StateTree): Big {
  const actor = tree.get(id);
  if (actor === null) {
    endRun("an actor that the circulating supply needs does not exist");
    return Big.ZERO;
  }
  return actor.balance;
}
