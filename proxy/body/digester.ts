/** Digests of a body, several at once, on whatever thread it runs. Every value is in lower-case hexadecimal. */
import { type Hash, createHash, hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import { Crc64Nvme, hex32 } from './crc64nvme.ts';

export type DigestAlgorithm = 'md5' | 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256';
export type DigestValues = Readonly<Partial<Record<DigestAlgorithm, string>>>;

export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

interface Running {
  update(bytes: Buffer): void;
  digest(): string;
}

/** All of them over the whole body and, where its chunks are signed, SHA-256 over each chunk. */
export class Digester {
  readonly #running: readonly (readonly [DigestAlgorithm, Running])[];
  #chunk: Hash | undefined;

  constructor(algorithms: readonly DigestAlgorithm[]) {
    this.#running = algorithms.map((algorithm) => [algorithm, start(algorithm)]);
  }

  update(bytes: Buffer): void {
    for (const [, running] of this.#running) running.update(bytes);
  }

  /**
   * The hashes of the chunks that end within `bytes`, in order; what follows the last end begins a further chunk.
   * @param ends offsets behind each chunk's last byte, rising.
   */
  chunkHashes(bytes: Buffer, ends: readonly number[]): string[] {
    const hashes: string[] = [];
    let start = 0;
    for (const end of ends) {
      const piece = bytes.subarray(start, end);
      if (this.#chunk === undefined) hashes.push(hash('sha256', piece));
      else hashes.push(this.#chunk.update(piece).digest('hex'));
      this.#chunk = undefined;
      start = end;
    }
    if (start < bytes.length) {
      this.#chunk ??= createHash('sha256');
      this.#chunk.update(bytes.subarray(start));
    }
    return hashes;
  }

  digest(): DigestValues {
    const values: Partial<Record<DigestAlgorithm, string>> = {};
    for (const [algorithm, running] of this.#running) values[algorithm] = running.digest();
    return values;
  }
}

/** The digests of bytes that are all there: the cheapest way for a small body. */
export function digestsOf(algorithms: readonly DigestAlgorithm[], bytes: Buffer): DigestValues {
  const values: Partial<Record<DigestAlgorithm, string>> = {};
  for (const algorithm of algorithms) values[algorithm] = digestOf(algorithm, bytes);
  return values;
}

function digestOf(algorithm: DigestAlgorithm, bytes: Buffer): string {
  if (algorithm === 'crc32') return hex32(crc32(bytes));
  if (algorithm === 'crc32c') return hex32(crc32c(bytes));
  if (algorithm === 'crc64nvme') return new Crc64Nvme().update(bytes).digest();
  return hash(algorithm, bytes);
}

function start(algorithm: DigestAlgorithm): Running {
  if (algorithm === 'crc64nvme') return new Crc64Nvme();
  if (algorithm === 'crc32') return new RunningCrc(crc32);
  if (algorithm === 'crc32c') return new RunningCrc(crc32c);
  const running = createHash(algorithm);
  return { update: (bytes) => void running.update(bytes), digest: () => running.digest('hex') };
}

class RunningCrc implements Running {
  readonly #compute: (bytes: Buffer, before: number) => number;
  #value = 0;

  constructor(compute: (bytes: Buffer, before: number) => number) {
    this.#compute = compute;
  }

  update(bytes: Buffer): void {
    this.#value = this.#compute(bytes, this.#value);
  }

  digest(): string {
    return hex32(this.#value);
  }
}
