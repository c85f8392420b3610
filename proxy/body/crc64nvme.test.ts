import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { FOLD_BYTES, FOLD_TERMS } from './crc64nvme-module.ts';
import { Crc64Nvme, POLYNOMIAL } from './crc64nvme.ts';

function bitByBit(bytes: Uint8Array): string {
  let crc = (1n << 64n) - 1n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  }
  return (crc ^ ((1n << 64n) - 1n)).toString(16).padStart(16, '0');
}

test('the check value of the specification', () => {
  assert.equal(new Crc64Nvme().update(Buffer.from('123456789')).digest(), 'ae8b14860a799888');
  assert.equal(new Crc64Nvme().digest(), '0000000000000000');
});

test('the terms that long bytes are folded by are a multiple of the polynomial', () => {
  // x^(8·e) modulo the polynomial, reflected: its highest bit is the coefficient of 1.
  let power = 1n << 63n;
  let sum = 0n;
  for (let bytes = 0; bytes <= FOLD_BYTES; bytes++) {
    if (bytes === FOLD_BYTES || FOLD_TERMS.includes(bytes)) sum ^= power;
    for (let bit = 0; bit < 8; bit++) power = (power & 1n) === 1n ? (power >> 1n) ^ POLYNOMIAL : power >> 1n;
  }
  assert.equal(sum, 0n);
});

test('long and short updates of every alignment give what the bits give', () => {
  const bytes = randomBytes(300_000);
  const expected = bitByBit(bytes);
  for (const steps of [[300_000], [1, 7, 299_992], [16_384, 65_537, 9], [16_447, 3], [20_001]]) {
    const crc = new Crc64Nvme();
    for (let at = 0, step = 0; at < bytes.length; step++) {
      const length = steps[step % steps.length] as number;
      crc.update(bytes.subarray(at, at + length));
      at += length;
    }
    assert.equal(
      crc.digest(),
      expected,
      `seed: ${bytes.toString('base64', 0, 16)}, steps of ${steps.join()}`,
    );
  }
});
