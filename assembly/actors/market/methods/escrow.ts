/** Funds in and out of escrow. */
import { Bytes } from "../../../base/bytes";
import { builtinCode, NOTHING } from "../../../runtime/actor";
import { requestMinerAddrs, signableTypes } from "../../../runtime/builtin";
import { Runtime } from "../../../runtime/runtime";
import { Address } from "../../../types/address";
import { AddressItem } from "../../../types/codec";
import { ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE } from "../../../types/exit-code";
import { MarketState, WithdrawBalanceParams } from "../codec.gen";
import { payOut } from "../sends";
import { ESCROW, LOCKED, MarketChange } from "../state";

/** Under which address funds are held, who receives them, and who may withdraw. */
@final
class EscrowParty {
  constructor(
    readonly holder: Address,
    readonly recipient: Address,
    readonly approved: Array<Address>,
  ) {}
}

/** A miner's funds go to its owner and may be withdrawn by owner and worker; anybody else's are his own. */
function escrowParty(rt: Runtime, address: Address): EscrowParty {
  const holder = rt.resolveAddress(address);
  if (holder === null) {
    rt.abort(ERR_ILLEGAL_ARGUMENT, "failed to resolve address");
    return new EscrowParty(address, address, []);
  }
  const code = rt.codeOf(holder);
  if (code === null) {
    rt.abort(ERR_ILLEGAL_ARGUMENT, "no code for address");
    return new EscrowParty(holder, holder, []);
  }
  if (!code.eq(builtinCode(rt.actorsVersion, "storageminer"))) return new EscrowParty(holder, holder, [holder]);
  const who = requestMinerAddrs(rt, holder);
  return new EscrowParty(holder, who.owner, [who.owner, who.worker]);
}

/** Allowed: accounts and multisigs. Holds the value received for a client or a miner. */
export function addBalance(rt: Runtime, params: Bytes): Bytes {
  const address = rt.params<AddressItem>(params).value;
  const value = rt.valueReceived;
  rt.require(value.isPositive, ERR_ILLEGAL_ARGUMENT, "balance to add must be greater than zero");
  rt.allowTypes(signableTypes());
  const party = escrowParty(rt, address);
  const st = rt.begin<MarketState>();
  const change = new MarketChange(rt, st, LOCKED | ESCROW);
  rt.require(change.escrow.add(party.holder, value), ERR_ILLEGAL_STATE, "failed to add balance to escrow table");
  change.flush();
  rt.commit(st);
  return NOTHING;
}

/**
 * Allowed: the party itself; for a miner its owner and worker. Pays out up to the amount, as far as it is not locked.
 * v0 validates the caller a second time, which the machine refuses: no withdrawal succeeds there.
 */
export function withdrawBalance(rt: Runtime, params: Bytes): Bytes {
  const validatesTwice = rt.version.marketValidatesTwice;
  const p = rt.params<WithdrawBalanceParams>(params);
  rt.require(!p.amount.negative, ERR_ILLEGAL_ARGUMENT, "negative amount");
  if (validatesTwice) rt.allowTypes(signableTypes());
  const party = escrowParty(rt, p.providerOrClientAddress);
  rt.allowOnly(party.approved);
  const st = rt.begin<MarketState>();
  const change = new MarketChange(rt, st, LOCKED | ESCROW);
  const locked = change.locked.get(party.holder);
  const amount = change.escrow.subtractWithMinimum(party.holder, p.amount, locked);
  change.flush();
  rt.commit(st);
  payOut(rt, party.recipient, amount);
  return NOTHING;
}
