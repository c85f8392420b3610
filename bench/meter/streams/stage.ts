/** A target with its workers and clips, ready for one run after the other. */
import { hash } from 'node:crypto';
import { HoldfastError } from '#common/errors.ts';
import { meanFrameBytes } from '../codecs/codec.ts';
import type { CrewResult, MeterCrew } from '../crew/crew.ts';
import type { TargetSpec, TargetTraits } from '../targets/target.ts';
import { castStreams, clipsWanted } from './casting.ts';
import type { ClipOrder } from './streams-order.ts';
import { clipFramesOf, type StreamsSettings } from './streams-settings.ts';

export interface StageEvents {
  /** What is being done, in a few words. */
  activity(text: string): void;
}

export interface RunOptions {
  readonly durationMs?: number;
  readonly framesFile?: string | undefined;
  /** Whether the first late frame ends it. */
  readonly untilLate?: boolean;
}

export class Stage {
  readonly traits: TargetTraits;
  clipFrames = 0;
  readonly #settings: StreamsSettings;
  readonly #spec: TargetSpec;
  readonly #crew: MeterCrew;
  readonly #events: StageEvents;
  readonly #live: boolean;
  #clips: ClipOrder[] = [];
  /** What was recorded and could not be removed behind its run. */
  #takesLeft: ClipOrder[] = [];
  /** What was recorded in any run: parts of it may come behind its removal. */
  readonly #takes: ClipOrder[] = [];
  #runs = 0;

  private constructor(
    settings: StreamsSettings,
    spec: TargetSpec,
    crew: MeterCrew,
    events: StageEvents,
    traits: TargetTraits,
    live: boolean,
  ) {
    this.#settings = settings;
    this.#spec = spec;
    this.#crew = crew;
    this.#events = events;
    this.traits = traits;
    this.#live = live;
  }

  /** Throws what stands in the way of using the target, in one line. */
  static async open(
    settings: StreamsSettings,
    spec: TargetSpec,
    crew: MeterCrew,
    events: StageEvents,
    live: boolean,
  ): Promise<Stage> {
    const traits = await crew.open(spec);
    if (
      !traits.writable &&
      settings.patterns.some(({ pattern }) => pattern === 'record' || pattern === 'growing')
    )
      throw new HoldfastError(
        'invalid-argument',
        `${traits.url} is only read: nothing can be recorded there`,
      );
    return new Stage(settings, spec, crew, events, traits, live);
  }

  /** Sees to it that the clips of so many streams are there. Resolves to the bytes written. */
  async prepare(streams: number): Promise<number> {
    const wanted = clipsWanted(this.#settings, streams);
    // Clips keep the length that the first run gave them; when no more may be written, streams share them.
    const first = this.#settings.clips ?? wanted;
    if (this.clipFrames === 0) this.clipFrames = await this.#clipFrames(Math.min(first, wanted));
    const needed = Math.min(wanted, this.#settings.clips ?? this.#affordable());
    for (let number = this.#clips.length + 1; number <= needed; number++)
      this.#clips.push({ kind: 'clip', number, frames: this.clipFrames });
    const cast = castStreams(this.#settings, streams, this.#clips, this.#runs, this.traits);
    const missing = this.#crew.missingClips(this.#clips, cast.streams);
    const count = missing.reduce((sum, { items }) => sum + items.length, 0);
    if (count === 0) return 0;
    const bytes = count * this.clipFrames * meanFrameBytes(this.#settings.format);
    this.#events.activity(`writing ${count} clips, ${(bytes / 2 ** 20).toFixed(0)} MiB`);
    const { format, reuse } = this.#settings;
    return await this.#crew.writeClips({ format, reuse: reuse || !this.traits.writable }, missing);
  }

  async run(streams: number, options: RunOptions = {}): Promise<CrewResult> {
    const settings = { ...this.#settings, durationMs: options.durationMs ?? this.#settings.durationMs };
    const cast = castStreams(settings, streams, this.#clips, this.#runs++, this.traits);
    this.#events.activity(`${cast.streams.length} streams`);
    const { format, timing, warmupMs, durationMs, inFlight, dropAfterMs, shuttleSpeed } = settings;
    const seed = hash('sha256', this.#spec.seed, 'buffer').readUInt32LE(0);
    const { framesFile, untilLate = false } = options;
    const result = await this.#crew.runStreams({
      format,
      timing,
      streams: cast.streams,
      warmupMs,
      durationMs,
      inFlight,
      dropAfterMs,
      shuttleSpeed,
      seed,
      run: this.#runs,
      framesFile,
      untilLate,
      live: this.#live,
    });
    this.#takes.push(...cast.takes);
    if (cast.takes.length > 0) await this.#removeTakes(cast.takes);
    return result;
  }

  /** What cannot be removed is no reason to lose the run's result: the end tries it again, and says so. */
  async #removeTakes(takes: readonly ClipOrder[]): Promise<void> {
    this.#events.activity('removing what was recorded');
    await this.#remove(takes).catch(() => this.#takesLeft.push(...takes));
  }

  /** Removes what was written, unless it is to be kept. Throws what is left behind. */
  async clear(): Promise<void> {
    const clips = [...this.#takesLeft, ...(this.#settings.keep ? [] : this.#clips)];
    if (!this.traits.writable || (this.#settings.keep && clips.length === 0)) return;
    this.#events.activity('removing the clips');
    await this.#remove(clips);
    if (!this.#settings.keep) await this.#crew.removePlace(() => this.#remove([...this.#takes, ...clips]));
  }

  async #remove(clips: readonly ClipOrder[]): Promise<void> {
    await this.#crew.removeClips({ format: this.#settings.format, clips, reuse: false });
  }

  get clips(): number {
    return this.#clips.length;
  }

  #affordable(): number {
    if (!this.traits.verified) return 1;
    const clipBytes = this.clipFrames * meanFrameBytes(this.#settings.format);
    return Math.max(1, Math.floor(this.#settings.clipsBytesMax / clipBytes));
  }

  async #clipFrames(needed: number): Promise<number> {
    if (this.traits.verified) return clipFramesOf(this.#settings, needed);
    const size = (await this.#crew.sizeOfFile()) ?? 0;
    const frames = Math.floor(size / meanFrameBytes(this.#settings.format));
    if (frames < 1) throw new HoldfastError('invalid-argument', `${this.traits.url} is shorter than a frame`);
    return frames;
  }
}
