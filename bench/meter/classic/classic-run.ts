/** Access after access, until the time is over. */
import { scramble } from '../../load/content.ts';
import { RandomSequence } from '../../load/random-sequence.ts';
import { type Access, type AccessSettings, BLOCK_SIZES, drawAccess } from './access.ts';
import type { ClassicDocument } from './classic-document.ts';
import type { AccessTimes, ClassicFiles } from './classic-files.ts';
import { ClassicTally } from './classic-tally.ts';

export interface ClassicRunSettings {
  readonly access: AccessSettings;
  readonly durationMs: number;
  readonly windowMs: number;
  readonly seed: string;
}

function seedOf(text: string): number {
  let seed = 1;
  for (const byte of Buffer.from(text)) seed = scramble(seed ^ byte);
  return seed;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Fills the document; throws where a file can no longer be used, with what was measured in the document. */
export async function runClassic(
  settings: ClassicRunSettings,
  files: ClassicFiles,
  document: ClassicDocument,
  each: (access: Access, times: AccessTimes) => void,
  signal: AbortSignal,
): Promise<void> {
  const random = new RandomSequence(seedOf(settings.seed));
  const tally = new ClassicTally(settings.windowMs);
  const startMs = performance.now();
  let movingMs = 0;
  let waitedMs = 0;
  try {
    while (performance.now() - startMs < settings.durationMs && !signal.aborted) {
      const access = drawAccess(settings.access, random);
      const beforeMs = performance.now();
      // The loop turns here: for Ctrl-C, and for the progress that is shown.
      await sleep(access.delayMs);
      waitedMs += performance.now() - beforeMs;
      const times = files.perform(access);
      const { mode, blockBytes } = access;
      let atMs = times.startedMs - startMs;
      for (const tookMs of times.blocksMs) {
        tally.io(mode, blockBytes, atMs, tookMs);
        atMs += tookMs;
        movingMs += tookMs;
        document.bytes += blockBytes;
      }
      movingMs += times.latencyMs + times.closeMs;
      document.accesses++;
      tally.access(mode, blockBytes, { ...times, endedMs: times.endedMs - startMs });
      each(access, times);
    }
  } finally {
    const elapsedMs = performance.now() - startMs;
    document.elapsedS = Number((elapsedMs / 1000).toFixed(3));
    document.meterShare = Number((Math.max(0, elapsedMs - movingMs - waitedMs) / elapsedMs).toFixed(3));
    document.cells = tally.cells(BLOCK_SIZES);
    document.windows = tally.windows;
  }
}
