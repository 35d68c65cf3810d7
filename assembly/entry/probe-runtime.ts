/** A runtime that knows the network version alone, which is what formulas of actors need. Anything more is a fault. */
import { Big } from "../base/big";
import { Bytes, EMPTY } from "../base/bytes";
import { Cid } from "../ipld/cid";
import { findProfile, NetworkProfile } from "../runtime/profile.gen";
import { ConsensusFault, Runtime, SendResult } from "../runtime/runtime";
import { NetworkVersion } from "../runtime/versions.gen";
import { Address } from "../types/address";

function unknown(): void {
  assert(false, "the probe's runtime has no world");
}

@final
export class FormulaRuntime extends Runtime {
  constructor(private readonly version_: NetworkVersion) {
    super();
  }

  get version(): NetworkVersion {
    return this.version_;
  }

  get profile(): NetworkProfile {
    return findProfile(0)!;
  }

  get epoch(): i64 {
    return 0;
  }

  get caller(): Address {
    return Address.UNDEF;
  }

  get receiver(): Address {
    return Address.UNDEF;
  }

  get valueReceived(): Big {
    return Big.ZERO;
  }

  currentBalance(): Big {
    return Big.ZERO;
  }

  circulatingSupply(): Big {
    return Big.ZERO;
  }

  resolveAddress(_address: Address): Address | null {
    return null;
  }

  codeOf(_address: Address): Cid | null {
    return null;
  }

  ticketRandomness(_tag: i64, _epoch: i64, _entropy: Bytes): Bytes {
    unknown();
    return EMPTY;
  }

  beaconRandomness(_tag: i64, _epoch: i64, _entropy: Bytes): Bytes {
    unknown();
    return EMPTY;
  }

  allowAny(): void {}
  allowOnly(_addresses: Array<Address>): void {}
  allowTypes(_names: Array<string>): void {}

  stateRoot(): Cid {
    unknown();
    return new Cid(EMPTY);
  }

  createState(_state: Bytes): void {
    unknown();
  }

  beginTransaction(): Bytes {
    unknown();
    return EMPTY;
  }

  commitTransaction(_state: Bytes): void {
    unknown();
  }

  readState(): Bytes {
    unknown();
    return EMPTY;
  }

  send(_to: Address, _method: u64, _params: Bytes, _value: Big): SendResult {
    unknown();
    return new SendResult(0, EMPTY);
  }

  newActorAddress(): Address {
    unknown();
    return Address.UNDEF;
  }

  createActor(_code: Cid, _address: Address): void {
    unknown();
  }

  deleteActor(_beneficiary: Address): void {
    unknown();
  }

  verifySignature(_signature: Bytes, _signer: Address, _plaintext: Bytes): bool {
    unknown();
    return false;
  }

  hashBlake2b(_data: Bytes): Bytes {
    unknown();
    return EMPTY;
  }

  unsealedSectorCid(_sealProof: i64, _pieces: Bytes): Cid | null {
    unknown();
    return null;
  }

  verifySeal(_info: Bytes): bool {
    unknown();
    return false;
  }

  batchVerifySeals(_infos: Array<Bytes>): Array<bool> {
    unknown();
    return [];
  }

  verifyPoSt(_info: Bytes, _postProof: i64, _sectors: i32): bool {
    unknown();
    return false;
  }

  verifyConsensusFault(_header1: Bytes, _header2: Bytes, _extra: Bytes): ConsensusFault | null {
    unknown();
    return null;
  }

  chargeGas(_name: string, _compute: i64): void {}

  abort(_code: i32, why: string): void {
    assert(false, why);
  }

  trap(why: string): void {
    assert(false, why);
  }

  get(_cid: Cid): Bytes {
    unknown();
    return EMPTY;
  }

  put(_block: Bytes): Cid {
    unknown();
    return new Cid(EMPTY);
  }
}
