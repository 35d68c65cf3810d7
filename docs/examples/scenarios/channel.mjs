// A payment channel, a voucher, and its settling, as a module: steps can be made in a loop.
const pays = [1, 2, 3].map((total) => ({ pay: { channel: "tab", total: `${total} FIL` } }));

export default {
  name: "three vouchers of a payment channel reach the payee",
  network: { seed: "channel", accounts: 3 },
  steps: [
    { channel: { from: "alice", to: "bob", amount: "5 FIL", as: "tab" } },
    ...pays,
    { settle: { channel: "tab" } },
    // Settling takes twelve hours of the chain's time; null rounds pass them at once.
    { skipRounds: 1500 },
    { collect: { channel: "tab" } },
    // The three vouchers' sum, less the gas of what bob has sent.
    { expectBalance: { of: "bob", atLeast: "1000002.9 FIL", atMost: "1000003 FIL" } },
  ],
};
