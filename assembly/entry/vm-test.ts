/** `vm-test.wasm`: `vm.wasm` and the actors that only tests may call. */
import { chaosActor } from "../actors/chaos/chaos";
import { stormActor } from "../actors/chaos/storm";
import { registry } from "./machine";

export * from "./vm";

registry.addTimeless(chaosActor());
registry.addTimeless(stormActor());
