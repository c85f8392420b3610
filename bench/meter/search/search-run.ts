/** Searches on a stage: healthy, and then while a command does something to the storage. */
import type { CrewResult } from '../crew/crew.ts';
import { mergedHistogram } from '../report/percentiles.ts';
import type { Stage } from '../streams/stage.ts';
import { figuresOf } from '../streams/streams-document.ts';
import { type FaultOutcome, runFault } from './fault.ts';
import { confirmMost, findMost, type Outcome } from './find-most.ts';
import type { PhaseAnswer, SearchDocument, SearchPhase, SearchStep } from './search-document.ts';

const CONFIRMATIONS_MAX = 5;
const ATTEMPTS_MAX = 3;
const START_MARGIN_MS = 500;

export interface SearchSettings {
  readonly start: number;
  readonly most: number;
  readonly precision: number;
  readonly stepMs: number;
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly during: string | undefined;
  readonly restore: string | undefined;
}

export interface SearchEvents {
  step(step: SearchStep): void;
}

const LIMITS = { failure: 'late frames', bound: 'the bound', impossible: 'the meter itself' } as const;

/** Reasons for which a run with late frames says nothing of the storage. */
function meterWasInTheWay(reasons: readonly string[]): boolean {
  return reasons.some((reason) => reason.startsWith('meter-'));
}

export class SearchRun {
  readonly #stage: Stage;
  readonly #settings: SearchSettings;
  readonly #document: SearchDocument;
  readonly #events: SearchEvents;
  readonly #signal: AbortSignal;

  constructor(
    stage: Stage,
    settings: SearchSettings,
    document: SearchDocument,
    events: SearchEvents,
    signal: AbortSignal,
  ) {
    this.#stage = stage;
    this.#settings = settings;
    this.#document = document;
    this.#events = events;
    this.#signal = signal;
  }

  /** Throws `aborted` when it is interrupted, and what stands in the way; the document has what was found until then. */
  async run(): Promise<void> {
    const { during, start, most } = this.#settings;
    const healthy = await this.#phase('healthy', start, most);
    this.#document.healthy = healthy;
    this.#document.streams = healthy.streams;
    if (during === undefined) return;
    // What a healthy storage does not sustain, an ailing one does not either.
    const answer =
      healthy.streams === 0
        ? { streams: 0, limitedBy: 'late frames' as const, confirmedBy: null }
        : await this.#phase('during', healthy.streams, healthy.streams);
    this.#document.during = { ...answer, command: during };
  }

  async #phase(phase: SearchPhase, start: number, most: number): Promise<PhaseAnswer> {
    const { precision, stepMs, durationMs } = this.#settings;
    const probe = (count: number): Promise<Outcome> => this.#step(phase, 'search', count, stepMs);
    const found = await findMost(probe, { start, most, precision });
    const confirm = (count: number): Promise<Outcome> => this.#step(phase, 'confirm', count, durationMs);
    const streams = await confirmMost(confirm, found.most, CONFIRMATIONS_MAX);
    const confirmedBy = streams === 0 ? null : (this.#document.steps.at(-1)?.run ?? null);
    return { streams, limitedBy: LIMITS[found.limitedBy], confirmedBy };
  }

  /** A step in which the meter was in the way says nothing: it is made again, a few times at most. */
  async #step(
    phase: SearchPhase,
    purpose: SearchStep['purpose'],
    streams: number,
    durationMs: number,
  ): Promise<Outcome> {
    let outcome: Outcome = 'impossible';
    for (let attempt = 0; attempt < ATTEMPTS_MAX && outcome === 'impossible'; attempt++)
      outcome = await this.#attempt(phase, purpose, streams, durationMs);
    return outcome;
  }

  async #attempt(
    phase: SearchPhase,
    purpose: SearchStep['purpose'],
    streams: number,
    durationMs: number,
  ): Promise<Outcome> {
    this.#signal.throwIfAborted();
    await this.#stage.prepare(streams);
    const { during, restore, warmupMs } = this.#settings;
    let fault: Promise<FaultOutcome> | undefined;
    const timer = setTimeout(() => {
      if (phase === 'during' && during !== undefined) fault = runFault(during);
    }, warmupMs + START_MARGIN_MS);
    const result = await this.#stage.run(streams, { durationMs });
    clearTimeout(timer);
    this.#signal.throwIfAborted();
    const step = this.#stepOf(result, phase, purpose, durationMs, (await fault) ?? null);
    this.#document.steps.push(step);
    if (purpose === 'confirm' && phase === 'healthy') this.#keep(step, result);
    this.#events.step(step);
    if (phase === 'during' && restore !== undefined) await runFault(restore);
    if (step.passed) return 'passes';
    return meterWasInTheWay(step.invalidReasons) ? 'impossible' : 'fails';
  }

  #stepOf(
    result: CrewResult,
    phase: SearchPhase,
    purpose: SearchStep['purpose'],
    durationMs: number,
    fault: FaultOutcome | null,
  ): SearchStep {
    const figures = figuresOf(result, this.#document.steps.length + 1, durationMs / 1000);
    // A meter that was busy and yet had no late frame has shown what it was to show.
    const spoilt = figures.invalidReasons.some((reason) => !reason.startsWith('meter-'));
    const passed = figures.framesLate === 0 && figures.framesTotal > 0 && !spoilt;
    return { ...figures, phase, purpose, durationMs, passed, fault };
  }

  #keep(step: SearchStep, { tally }: CrewResult): void {
    this.#document.framesTotal = step.framesTotal;
    this.#document.framesLate = step.framesLate;
    this.#document.framesDropped = step.framesDropped;
    this.#document.worstFrameMs = step.worstFrameMs;
    this.#document.seconds = tally.seconds;
    this.#document.histogram = mergedHistogram([tally.readLatencies, tally.recordLatencies]);
  }
}
