/**
 * The data cap actor as published, v9 to v18: a token after FRC-0046, whose methods have numbers of their own in v9 and
 * those of their names from v10 on. Sources: go-state-types 8b01cf99da27 builtin/v9 to builtin/v18 datacap; builtin-actors
 * v9.0.3 and v10.0.0 actors/datacap/src/lib.rs.
 */
import { type ActorDescription, address, big, bytes, field, list, mapOf, ref, text, tuple, u64 } from "../kit.ts";
import { type EXPORTED, exported, type MethodData } from "./exported.ts";

const amount = field("Amount", big, "Data cap: 10^18 a byte.");

/** Methods of the token: name from v10 on, number and name in v9, data. */
const TOKEN: readonly (readonly [name: keyof typeof EXPORTED, number: number, first: string, data: MethodData])[] = [
  ["Mint", 2, "Mint", { params: ref("MintParams"), returns: ref("MintReturn") }],
  ["Destroy", 3, "Destroy", { params: ref("DestroyParams"), returns: ref("BurnReturn") }],
  ["Name", 10, "Name", { returns: text }],
  ["Symbol", 11, "Symbol", { returns: text }],
  ["TotalSupply", 12, "TotalSupply", { returns: big }],
  ["Balance", 13, "BalanceOf", { params: address, returns: big }],
  ["Transfer", 14, "Transfer", { params: ref("TransferParams"), returns: ref("TransferReturn") }],
  ["TransferFrom", 15, "TransferFrom", { params: ref("TransferFromParams"), returns: ref("TransferFromReturn") }],
  ["IncreaseAllowance", 16, "IncreaseAllowance", { params: ref("IncreaseAllowanceParams"), returns: big }],
  ["DecreaseAllowance", 17, "DecreaseAllowance", { params: ref("DecreaseAllowanceParams"), returns: big }],
  ["RevokeAllowance", 18, "RevokeAllowance", { params: ref("RevokeAllowanceParams"), returns: big }],
  ["Burn", 19, "Burn", { params: ref("BurnParams"), returns: ref("BurnReturn") }],
  ["BurnFrom", 20, "BurnFrom", { params: ref("BurnFromParams"), returns: ref("BurnFromReturn") }],
  ["Allowance", 21, "Allowance", { params: ref("GetAllowanceParams"), returns: big }],
];

export const publishedDatacap: ActorDescription = {
  name: "datacap",
  state: "DatacapState",
  module: {
    path: "published/datacap",
    doc: "State and parameters of the published data cap actor.",
    types: [
      tuple("DatacapState", "State of the data cap actor.", [
        field("Governor", address, "Who may mint and destroy: the verified registry."),
        field("Token", ref("TokenState")),
      ]),
      tuple("TokenState", "Balances and allowances.", [
        field("Supply", big, "Of all."),
        field("Balances", mapOf("uvarint", big), "From actor id."),
        field("Allowances", mapOf("uvarint", mapOf("uvarint", big)), "From the owner's actor id and the operator's."),
        field("HamtBitWidth", u64, "Of these maps."),
      ]),
      tuple("MintParams", "Data cap to make.", [
        field("To", address),
        amount,
        field("Operators", list(address), "Who may spend it without limit."),
      ]),
      tuple("MintReturn", "After minting.", [
        field("Balance", big, "Of the receiver."),
        field("Supply", big),
        field("RecipientData", bytes, "What the receiver returned."),
      ]),
      tuple("DestroyParams", "Data cap to take away.", [field("Owner", address), amount]),
      tuple("TransferParams", "Data cap to move.", [
        field("To", address),
        amount,
        field("OperatorData", bytes, "For the receiver."),
      ]),
      tuple("TransferReturn", "After moving.", [
        field("FromBalance", big),
        field("ToBalance", big),
        field("RecipientData", bytes, "What the receiver returned."),
      ]),
      tuple("TransferFromParams", "Data cap of another to move.", [
        field("From", address),
        field("To", address),
        amount,
        field("OperatorData", bytes, "For the receiver."),
      ]),
      tuple("TransferFromReturn", "After moving.", [
        field("FromBalance", big),
        field("ToBalance", big),
        field("Allowance", big, "That is left."),
        field("RecipientData", bytes, "What the receiver returned."),
      ]),
      tuple("IncreaseAllowanceParams", "More for an operator.", [field("Operator", address), field("Increase", big)]),
      tuple("DecreaseAllowanceParams", "Less for an operator.", [field("Operator", address), field("Decrease", big)]),
      tuple("RevokeAllowanceParams", "Nothing for an operator.", [field("Operator", address)]),
      tuple("GetAllowanceParams", "Whose allowance.", [field("Owner", address), field("Operator", address)]),
      tuple("BurnParams", "Data cap to give up.", [amount]),
      tuple("BurnReturn", "After burning.", [field("Balance", big)]),
      tuple("BurnFromParams", "Data cap of another to burn.", [field("Owner", address), amount]),
      tuple("BurnFromReturn", "After burning.", [field("Balance", big), field("Allowance", big, "That is left.")]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor", params: address },
    ...TOKEN.map(([, number, name, data]) => ({ number, name, ...data, until: 9 as const })),
    ...TOKEN.map(([name, , , data]) => exported(name, data)),
    exported("Granularity", { returns: u64 }),
  ],
};
