/**
 * What the fuzz tests share. HOLDFAST_FUZZ_SEED repeats a run, HOLDFAST_FUZZ_RUNS multiplies how much is tried; the seed
 * is printed with every test.
 */
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import fc from 'fast-check';

const RUNS = 400;

/** Tries a property many times; tells the seed, and the smallest input that breaks it. */
export function fuzz<Values>(t: TestContext, property: fc.IRawProperty<Values>, runs = RUNS): unknown {
  const seed = Number(process.env['HOLDFAST_FUZZ_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`seed ${seed}`);
  return fc.assert(property, { seed, numRuns: runs * Number(process.env['HOLDFAST_FUZZ_RUNS'] ?? 1) });
}

export function anyBytes(lengthMax: number, lengthMin = 0): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength: lengthMin, maxLength: lengthMax }).map((bytes) => Buffer.from(bytes));
}

type Damage = (bytes: Buffer) => Buffer;

const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(7)).map(
    ([at, bit]): Damage =>
      (bytes) =>
        flipped(bytes, at, bit),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)).map(
    ([at, byte]): Damage =>
      (bytes) => {
        const copy = Buffer.from(bytes);
        if (copy.length > 0) copy[at % copy.length] = byte;
        return copy;
      },
  ),
  fc.nat().map(
    (at): Damage =>
      (bytes) =>
        bytes.subarray(0, at % (bytes.length + 1)),
  ),
  fc.tuple(fc.nat(), anyBytes(20)).map(
    ([at, more]): Damage =>
      (bytes) => {
        const from = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from)]);
      },
  ),
  fc.tuple(fc.nat(), fc.nat(40)).map(
    ([at, length]): Damage =>
      (bytes) => {
        const from = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
      },
  ),
  fc.nat().map(
    (at): Damage =>
      (bytes) =>
        Buffer.concat([bytes, bytes.subarray(at % (bytes.length + 1))]),
  ),
);

/** Bytes that once were valid: flipped, overwritten, cut, stretched or doubled, a few times. */
export function damaged(valid: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(valid, fc.array(damages, { minLength: 1, maxLength: 4 }))
    .map(([bytes, all]) => all.reduce((sofar, damage) => damage(sofar), bytes));
}

export function damagedText(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return damaged(valid.map((text) => Buffer.from(text))).map((bytes) => bytes.toString('latin1'));
}

/** One bit of `bytes` turned over; `at` is taken modulo the length. */
export function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << bit);
  return copy;
}

/** Runs `attempt`; an error passes only when it is one of those that the parser promises. */
export function onlyRefuses<Result>(
  attempt: () => Result,
  isPromised: (error: unknown) => boolean,
): Result | undefined {
  try {
    return attempt();
  } catch (error) {
    if (isPromised(error)) return undefined;
    throw error;
  }
}
