/** Which stream plays what: the streams of a run with their patterns, clips and moments to start. */
import { wrong } from '../../load/option-values.ts';
import type { TargetTraits } from '../targets/target.ts';
import type { Pattern } from './pattern.ts';
import type { ClipOrder, StreamOrder } from './streams-order.ts';
import { clipsOfStream, requestFramesOf, type StreamsSettings } from './streams-settings.ts';

/** Takes are numbered from here: clips have the numbers below. */
const FIRST_TAKE = 1_000_000;
const TAKES_OF_A_RUN = 50_000;

export interface Cast {
  readonly streams: StreamOrder[];
  /** What the run leaves. */
  readonly takes: ClipOrder[];
}

/** The patterns of `count` streams, in turn by their shares. */
export function patternsOf(settings: StreamsSettings, streams: number): Pattern[] {
  const turn = settings.patterns.flatMap(({ pattern, share }) =>
    Array.from({ length: share }, () => pattern),
  );
  return Array.from({ length: streams }, (_, at) => turn[at % turn.length] as Pattern);
}

/** Clips that so many streams would have, each its own. */
export function clipsWanted(settings: StreamsSettings, streams: number): number {
  return patternsOf(settings, streams).reduce((sum, pattern) => sum + clipsOfStream(settings, pattern), 0);
}

/**
 * @param clips those that are there: fewer than the streams want are shared.
 * @param run number of the run, whose takes have names of their own.
 */
export function castStreams(
  settings: StreamsSettings,
  streams: number,
  clips: readonly ClipOrder[],
  run: number,
  traits: TargetTraits,
): Cast {
  const shared = clips.length < clipsWanted(settings, streams);
  const takes: ClipOrder[] = [];
  const orders: StreamOrder[] = [];
  const takeFrames = Math.floor(
    ((settings.durationMs + settings.warmupMs) * settings.format.framesPerS) / 1000,
  );
  const requestFrames = requestFramesOf(settings, 'play', traits, takeFrames);
  const recording = requestFramesOf(settings, 'record', traits, takeFrames);
  let nextClip = 0;
  patternsOf(settings, streams).forEach((pattern, at) => {
    const startMs = (at * settings.staggerMs) / streams;
    const own = clipsOfStream(settings, pattern);
    const stream = orders.length;
    if (own > 0) {
      const chosen = Array.from({ length: own }, () => clips[nextClip++ % clips.length] as ClipOrder);
      // Streams that share a clip are at different places of it.
      const startFrame = shared ? Math.floor((at * (chosen[0]?.frames ?? 0)) / streams) : 0;
      orders.push({
        stream,
        pattern,
        clips: chosen,
        startMs,
        startFrame,
        recordedBy: undefined,
        requestFrames,
      });
      return;
    }
    const number = FIRST_TAKE + run * TAKES_OF_A_RUN + takes.length;
    const take: ClipOrder = { kind: 'take', number, frames: takeFrames };
    takes.push(take);
    const base = { clips: [take], startFrame: 0 };
    orders.push({
      ...base,
      stream,
      pattern: 'record',
      startMs,
      recordedBy: undefined,
      requestFrames: recording,
    });
    if (pattern !== 'growing') return;
    if (!traits.growing && settings.format.layout === 'clip')
      throw wrong('growing needs a target that is read while it is written: files, or --layout sequence');
    const behindMs = startMs + settings.behindMs;
    orders.push({
      ...base,
      stream: stream + 1,
      pattern,
      startMs: behindMs,
      recordedBy: stream,
      requestFrames,
    });
  });
  return { streams: orders, takes };
}
