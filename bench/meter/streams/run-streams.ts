/** Runs one process's share of the streams, from an order to a tally. */
import type { Clock } from '#common/io/clock.ts';
import { scramble } from '../../load/content.ts';
import { RandomSequence } from '../../load/random-sequence.ts';
import type { MediaTarget } from '../targets/target.ts';
import { Clip } from './clip.ts';
import { FrameFile } from './frame-file.ts';
import { GrowingClip } from './growing-clip.ts';
import { slotsOf } from './pattern.ts';
import { type StreamPlan, StreamRunner } from './stream-runner.ts';
import type { ClipOrder, StreamOrder, StreamsOrder } from './streams-order.ts';
import { type LiveStreamFigures, RunCounter, StreamCounter, type StreamTally } from './tally.ts';
import { unitsOf } from './unit.ts';

/** Failures in a row, without a success between them, after which the target is given up. */
const FAILURES_IN_A_ROW_MAX = 200;
const WATCH_PERIOD_MS = 500;
/** What a run says that was to end at its first late frame, and did. */
export const ENDED_BY_LATE_FRAME = 'a frame was late';

export interface StreamsSurroundings {
  readonly target: MediaTarget;
  readonly clock: Clock;
  /** The run's start on the clock. */
  readonly originMs: number;
  readonly signal: AbortSignal;
  figures(figures: LiveStreamFigures): void;
}

export interface StreamsResult {
  readonly tally: StreamTally;
  /** Why it ended before its time; null when it did not. */
  readonly stopped: string | null;
}

export function clipOf(order: ClipOrder, from: Pick<StreamsOrder, 'format'>): Clip {
  return new Clip(order.kind, order.number, order.frames, from.format);
}

/** Frames of one stream that are due after the warm-up. */
export function countedFramesOf({ durationMs, timing }: Pick<StreamsOrder, 'durationMs' | 'timing'>): number {
  return Math.floor((durationMs * timing.framesPerS) / 1000);
}

function planOf(
  order: StreamsOrder,
  stream: StreamOrder,
  target: MediaTarget,
  growing: ReadonlyMap<number, GrowingClip>,
): StreamPlan {
  const { pattern, startMs, startFrame } = stream;
  const { timing } = order;
  const clips = stream.clips.map((clip) => clipOf(clip, order));
  const slotsTotal = Math.floor(((order.warmupMs + order.durationMs) * timing.framesPerS) / 1000);
  const slotsCounted = countedFramesOf(order);
  const random = new RandomSequence(scramble(order.seed ^ scramble(stream.stream + 1)));
  const clipFrames = clips.map(({ frames }) => frames);
  const settings = {
    pattern,
    clipFrames,
    shuttleSpeed: order.shuttleSpeed,
    framesPerS: timing.framesPerS,
    startFrame,
  };
  const slotsMax = order.format.layout === 'sequence' ? 1 : stream.requestFrames;
  const take = pattern === 'record' && order.format.layout === 'clip' ? clips[0]?.objects()[0] : undefined;
  return {
    pattern,
    units: unitsOf(slotsOf(settings, random), clips, slotsTotal, slotsMax),
    slotsTotal,
    timing,
    startMs,
    countedFromSlot: slotsTotal - slotsCounted,
    inFlightMax: order.inFlight,
    dropAfterMs: order.dropAfterMs,
    recording: take === undefined ? undefined : { open: () => target.record(take) },
    growing: growing.get(stream.recordedBy ?? stream.stream),
  };
}

export async function runStreams(order: StreamsOrder, around: StreamsSurroundings): Promise<StreamsResult> {
  const frameFile = order.framesFile === undefined ? undefined : new FrameFile(order.framesFile, order.run);
  const counter = new RunCounter(order.dropAfterMs, frameFile && ((record) => frameFile.add(record)));
  const giveUp = new AbortController();
  const signal = AbortSignal.any([around.signal, giveUp.signal]);
  const growing = new Map(
    order.streams.flatMap(({ recordedBy }) =>
      recordedBy === undefined ? [] : [[recordedBy, new GrowingClip()] as const],
    ),
  );
  const sleepers = new Set<() => void>();
  const end = (): void => {
    // Whoever waits for an answer is not kept by it.
    around.target.breakOff?.();
    for (const wake of sleepers) wake();
  };
  signal.addEventListener('abort', end);
  let stopped: string | null = null;
  const watch = setInterval(() => {
    if (order.live) around.figures(counter.figures());
    if (order.untilLate && counter.framesLate > 0) {
      stopped ??= ENDED_BY_LATE_FRAME;
      giveUp.abort();
    }
    if (counter.failuresInARow < FAILURES_IN_A_ROW_MAX) return;
    stopped ??= `${counter.failuresInARow} requests in a row have failed: ${counter.firstFailure ?? ''}`;
    giveUp.abort();
  }, WATCH_PERIOD_MS);
  try {
    await Promise.all(
      order.streams.map(async (stream) => {
        const row = new StreamCounter(stream.stream, stream.pattern);
        counter.streams.push(row);
        const { target, clock, originMs } = around;
        const plan = planOf(order, stream, target, growing);
        await new StreamRunner(plan, row, { target, clock, counter, originMs, signal, sleepers }).run();
      }),
    );
  } finally {
    clearInterval(watch);
    // A stop that comes later means what is done then.
    signal.removeEventListener('abort', end);
    frameFile?.close();
  }
  if (around.signal.aborted) stopped ??= 'interrupted';
  return { tally: counter.tally(), stopped };
}
