/**
 * The accesses of BBC R&D's Media Storage Meter (2011; EBU Tech 3362, 2013; source `ebu/MSMeter`): one after the other,
 * each of a random file, mode, length and block size. What is drawn, and in which order, is as there.
 */
import type { RandomSequence } from '../../load/random-sequence.ts';

export const accessModes = ['seq_rd', 'rand_rd', 'seq_wr', 'rand_wr'] as const;
export type AccessMode = (typeof accessModes)[number];

/** MSMeter's block sizes by its own numbers 1 … 11: 1 KiB to 1 MiB. */
export const BLOCK_SIZES: readonly number[] = Array.from({ length: 11 }, (_, at) => 1024 << at);
const BLOCK_BYTES_MIN = 1024;

export interface AccessSettings {
  readonly files: number;
  readonly fileBytes: number;
  /** Most bytes of one access; MSMeter's -l, in bytes. */
  readonly lengthBytesMax: number;
  /** Percent. */
  readonly writeShare: number;
  readonly randomShare: number;
  /** Most milliseconds between two accesses. */
  readonly delayMsMax: number;
  readonly blockSizes: readonly number[];
  /** Of positions: 1, or what O_DIRECT asks for. */
  readonly alignmentBytes: number;
}

export interface Access {
  readonly delayMs: number;
  readonly file: number;
  readonly mode: AccessMode;
  readonly lengthBytes: number;
  readonly blockBytes: number;
  /** Where each block begins. */
  readonly positions: readonly number[];
}

export function drawAccess(settings: AccessSettings, random: RandomSequence): Access {
  const delayMs = random.below(settings.delayMsMax + 1);
  const file = random.below(settings.files);
  const writes = random.below(100) < settings.writeShare;
  const jumps = random.below(100) < settings.randomShare;
  const most = Math.min(settings.fileBytes, settings.lengthBytesMax);
  const lengthBytes = BLOCK_BYTES_MIN + random.below(Math.max(1, most - BLOCK_BYTES_MIN));
  const start = random.below(Math.max(1, settings.fileBytes - lengthBytes));
  let blockBytes = settings.blockSizes[random.below(settings.blockSizes.length)] ?? BLOCK_BYTES_MIN;
  // A block is smaller than the whole, unless it is the smallest.
  while (blockBytes >= lengthBytes && blockBytes > BLOCK_BYTES_MIN) blockBytes /= 2;
  const blocks = Math.floor(lengthBytes / blockBytes);
  const aligned = (position: number): number => position - (position % settings.alignmentBytes);
  const positions = Array.from({ length: blocks }, (_, block) =>
    jumps
      ? aligned(random.below(Math.max(1, settings.fileBytes - blockBytes)))
      : aligned(start) + block * blockBytes,
  );
  const mode = writes ? (jumps ? 'rand_wr' : 'seq_wr') : jumps ? 'rand_rd' : 'seq_rd';
  return { delayMs, file, mode, lengthBytes, blockBytes, positions };
}
