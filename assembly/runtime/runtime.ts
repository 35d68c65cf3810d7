/**
 * What an actor may ask of the machine.
 *
 * Actors are written against this class and nothing else; `vm/kernel` extends it, tests may extend it with a fake.
 * A method that finds a violation calls `abort` and does not return: control unwinds through the host to the frame
 * that made the call, whose changes are undone. `trap` is the abort of a broken actor (a Go panic in the reference):
 * exit code 1 up to network version 3, 4 from version 4.
 *
 * Address arguments and results: `caller` is always an ID address; `receiver` is as written in the message up to
 * network version 3 and an ID address from version 4 (a quirk that reaches the state).
 */
import { Big } from "../base/big";
import { Bytes } from "../base/bytes";
import { Cid } from "../ipld/cid";
import { Address } from "../types/address";
import { Codec } from "../types/codec";
import { ERR_ILLEGAL_STATE, ERR_SERIALIZATION, SYS_SENDER_INVALID } from "../types/exit-code";
import { ObjectStore } from "./object-store";
import { NetworkProfile } from "./profile.gen";

/** Result of a send: an exit code, and the returned bytes if it is 0. */
@final
export class SendResult {
  constructor(
    readonly code: i32,
    readonly value: Bytes,
  ) {}

  get ok(): bool {
    return this.code == 0;
  }
}

/** A consensus fault as the syscall reports it. */
@final
export class ConsensusFault {
  constructor(
    readonly target: Address,
    readonly epoch: i64,
    readonly kind: i64,
  ) {}
}

export abstract class Runtime extends ObjectStore {
  // ---- the message and the world

  /** Parameters of the network. */
  abstract get profile(): NetworkProfile;
  abstract get epoch(): i64;
  abstract get caller(): Address;
  abstract get receiver(): Address;
  abstract get valueReceived(): Big;
  abstract currentBalance(): Big;
  abstract circulatingSupply(): Big;
  /** ID address of `address`, or null. Free of charge. */
  abstract resolveAddress(address: Address): Address | null;
  /** Code of the actor at `address`, or null. Free of charge. */
  abstract codeOf(address: Address): Cid | null;
  /** 32 bytes of chain randomness. `tag` is a domain separation tag. */
  abstract ticketRandomness(tag: i64, epoch: i64, entropy: Bytes): Bytes;
  abstract beaconRandomness(tag: i64, epoch: i64, entropy: Bytes): Bytes;

  // ---- who may call (exactly one of these per invocation)

  abstract allowAny(): void;
  abstract allowOnly(addresses: Array<Address>): void;
  /** Allows callers whose code is one of these; the names are bare ("account"), the actors version is added. */
  abstract allowTypes(names: Array<string>): void;

  // ---- state

  /** CID of the receiver's state. */
  abstract stateRoot(): Cid;
  /** First state of a new actor. */
  abstract createState(state: Bytes): void;
  /** Starts a transaction (sends are refused until it is committed) and returns the state's bytes. */
  abstract beginTransaction(): Bytes;
  abstract commitTransaction(state: Bytes): void;
  /** The state's bytes, for reading only. */
  abstract readState(): Bytes;

  // ---- actors

  abstract send(to: Address, method: u64, params: Bytes, value: Big): SendResult;
  abstract newActorAddress(): Address;
  abstract createActor(code: Cid, address: Address): void;
  abstract deleteActor(beneficiary: Address): void;

  // ---- syscalls (each charges its price)

  /** `signature` is the wire form: a type byte and the data. */
  abstract verifySignature(signature: Bytes, signer: Address, plaintext: Bytes): bool;
  abstract hashBlake2b(data: Bytes): Bytes;
  /** `pieces` is the CBOR list of PieceInfo. Null if they do not fit the sector. */
  abstract unsealedSectorCid(sealProof: i64, pieces: Bytes): Cid | null;
  /** `info` is the CBOR form of SealVerifyInfo. */
  abstract verifySeal(info: Bytes): bool;
  /** Verifies many seals, given as CBOR SealVerifyInfo items; one answer each. */
  abstract batchVerifySeals(infos: Array<Bytes>): Array<bool>;
  /** `info` is the CBOR form of WindowPoStVerifyInfo; `sectors` the number challenged (it decides the price). */
  abstract verifyPoSt(info: Bytes, postProof: i64, sectors: i32): bool;
  abstract verifyConsensusFault(header1: Bytes, header2: Bytes, extra: Bytes): ConsensusFault | null;
  abstract chargeGas(name: string, compute: i64): void;

  // ---- ends

  /** Ends this invocation with an exit code. `why` reaches traces only. Never returns. */
  abstract abort(code: i32, why: string): void;
  /** Ends this invocation as a broken actor's. Never returns. */
  abstract trap(why: string): void;

  // ---- conveniences over the above

  fail(why: string): void {
    this.abort(ERR_ILLEGAL_STATE, why);
  }

  require(condition: bool, code: i32, why: string): void {
    if (!condition) this.abort(code, why);
  }

  /** Go's AssertNoError and friends: a violated internal assumption. */
  invariant(condition: bool, why: string): void {
    if (!condition) this.trap(why);
  }

  getObject<T extends Codec>(cid: Cid): T {
    return this.decodeState<T>(this.get(cid));
  }

  /** Decodes state; malformed state ends with ERR_SERIALIZATION. */
  decodeState<T extends Codec>(bytes: Bytes): T {
    const r = this.reader(bytes);
    const value = instantiate<T>();
    value.read(r);
    if (!r.ok) this.abort(ERR_SERIALIZATION, "state does not decode");
    return value;
  }

  /** Decodes parameters; a violation ends the call with 21, on early networks with 1. */
  params<T extends Codec>(bytes: Bytes): T {
    const r = this.reader(bytes);
    const value = instantiate<T>();
    value.read(r);
    if (!r.ok) this.abort(this.version.badParamsAreSerialization ? ERR_SERIALIZATION : SYS_SENDER_INVALID, "parameters do not decode");
    return value;
  }

  /** Decodes what another actor returned. */
  returned<T extends Codec>(bytes: Bytes): T {
    const r = this.reader(bytes);
    const value = instantiate<T>();
    value.read(r);
    if (!r.ok) this.abort(ERR_SERIALIZATION, "return value does not decode");
    return value;
  }

  state<T extends Codec>(): T {
    return this.decodeState<T>(this.readState());
  }

  begin<T extends Codec>(): T {
    return this.decodeState<T>(this.beginTransaction());
  }

  commit(state: Codec): void {
    this.commitTransaction(this.encode(state));
  }

  create(state: Codec): void {
    this.createState(this.encode(state));
  }
}
