/** Fractional parts of roots of primes: the "nothing up my sleeve" numbers of the SHA-2 family. */

/** The first `count` primes. */
export function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++)
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  return primes;
}

/** First `bits` bits of the fractional part of the `degree`-th root of `prime`, by integer bisection. */
export function rootFraction(prime: number, degree: number, bits: number): bigint {
  const scaled = BigInt(prime) << BigInt(bits * degree);
  let low = 0n;
  let high = 1n << BigInt(bits + 8);
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(degree) <= scaled) low = middle;
    else high = middle;
  }
  return BigInt.asUintN(bits, low);
}
