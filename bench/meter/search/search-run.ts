/** Searches on a stage: healthy, and then while a command does something to the storage. */
import { HoldfastError } from '#common/errors.ts';
import type { CrewResult } from '../crew/crew.ts';
import { mergedHistogram } from '../report/percentiles.ts';
import type { Stage } from '../streams/stage.ts';
import { figuresOf } from '../streams/streams-document.ts';
import { type FaultOutcome, runFault } from './fault.ts';
import { confirmMost, findMost, type Outcome } from './find-most.ts';
import type { PhaseAnswer, SearchDocument, SearchStep } from './search-document.ts';

const CONFIRMATIONS_MAX = 5;
const ATTEMPTS_MAX = 3;
const START_MARGIN_MS = 500;

/** What is done to the storage when a step is warm, and what puts it right behind the step. */
export interface Fault {
  readonly during: string;
  readonly restore: string | undefined;
}

export interface SearchSettings {
  readonly start: number;
  readonly most: number;
  readonly precision: number;
  readonly stepMs: number;
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly faults: readonly Fault[];
}

export interface SearchEvents {
  step(step: SearchStep): void;
}

const LIMITS = { failure: 'late frames', bound: 'the bound', impossible: 'the meter itself' } as const;

/** Reasons for which a run with late frames says nothing of the storage. */
function isOfMeter(reason: string): boolean {
  return reason.startsWith('meter-');
}

interface Attempt {
  readonly fault: Fault | undefined;
  readonly purpose: SearchStep['purpose'];
  readonly durationMs: number;
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
    const { faults, start, most } = this.#settings;
    const healthy = await this.#phase(undefined, start, most);
    this.#document.healthy = healthy;
    this.#document.streams = healthy.streams;
    for (const fault of faults) {
      // What a healthy storage does not sustain, an ailing one does not either.
      const answer =
        healthy.streams === 0 ? healthy : await this.#phase(fault, healthy.streams, healthy.streams);
      this.#document.faults.push({ ...answer, command: fault.during });
      this.#document.during ??= this.#document.faults[0] ?? null;
    }
  }

  async #phase(fault: Fault | undefined, start: number, most: number): Promise<PhaseAnswer> {
    const { precision, stepMs, durationMs } = this.#settings;
    const probe = (purpose: SearchStep['purpose'], ms: number) => (count: number) =>
      this.#step(count, { fault, purpose, durationMs: ms });
    const found = await findMost(probe('search', stepMs), { start, most, precision });
    const confirmed = await confirmMost(probe('confirm', durationMs), found.most, CONFIRMATIONS_MAX);
    const { streams } = confirmed;
    const last = this.#document.steps.at(-1);
    const confirmedBy = streams === 0 ? null : (last?.run ?? null);
    const reasons: string[] = [];
    if (found.limitedBy === 'impossible' || confirmed.impossible) reasons.push('meter-limit');
    if (streams === 0 && found.most > 0) reasons.push('not-confirmed');
    // Not even the last one, of the fewest streams, was a measurement of anything.
    if (streams === 0) reasons.push(...(last?.invalidReasons.filter((reason) => !isOfMeter(reason)) ?? []));
    return { streams, limitedBy: LIMITS[found.limitedBy], confirmedBy, invalidReasons: reasons };
  }

  /** A step in which the meter was in the way says nothing: it is made again, a few times at most. */
  async #step(streams: number, attempt: Attempt): Promise<Outcome> {
    let outcome: Outcome = 'impossible';
    for (let turn = 0; turn < ATTEMPTS_MAX && outcome === 'impossible'; turn++)
      outcome = await this.#attempt(streams, attempt);
    return outcome;
  }

  async #attempt(streams: number, { fault, purpose, durationMs }: Attempt): Promise<Outcome> {
    this.#signal.throwIfAborted();
    await this.#stage.prepare(streams);
    const { result, outcome } = await this.#runWith(fault, () =>
      this.#stage.run(streams, { durationMs, untilLate: true }),
    );
    this.#signal.throwIfAborted();
    const phase = fault === undefined ? 'healthy' : 'during';
    const step = { ...this.#stepOf(result, durationMs), phase, purpose, fault: outcome } as const;
    this.#document.steps.push(step);
    if (purpose === 'confirm' && phase === 'healthy') this.#keep(step, result);
    this.#events.step(step);
    const [lost] = Object.entries(step.lostWorkers);
    // The streams of those that are left are not the streams of all: the storage was asked for less than was said.
    if (lost !== undefined) throw new HoldfastError('peer-unavailable', `${lost[0]} was lost: ${lost[1]}`);
    if (step.passed) return 'passes';
    return step.invalidReasons.some(isOfMeter) ? 'impossible' : 'fails';
  }

  /** However the run ends, no fault comes after it, and what was done to the storage is put right. */
  async #runWith(fault: Fault | undefined, run: () => Promise<CrewResult>) {
    if (fault === undefined) return { result: await run(), outcome: null };
    let running: Promise<FaultOutcome> | undefined;
    const timer = setTimeout(() => {
      running = runFault(fault.during);
    }, this.#settings.warmupMs + START_MARGIN_MS);
    try {
      const result = await run();
      clearTimeout(timer);
      return { result, outcome: (await running) ?? null };
    } finally {
      clearTimeout(timer);
      await running;
      if (fault.restore !== undefined) await runFault(fault.restore);
    }
  }

  #stepOf(result: CrewResult, durationMs: number) {
    // A step that ended at its first late frame has counted until then.
    const countedMs = Math.min(durationMs, Math.max(0, result.elapsedMs - this.#settings.warmupMs));
    const figures = figuresOf(result, this.#document.steps.length + 1, countedMs / 1000);
    // A meter that was busy and yet had no late frame has shown what it was to show.
    const spoilt = figures.invalidReasons.some((reason) => !isOfMeter(reason));
    // A worker that gave up, in the warm-up perhaps, has no late frame either.
    const whole = result.stopped === null && figures.framesTotal === result.framesPlanned;
    const passed = whole && figures.framesLate === 0 && figures.framesTotal > 0 && !spoilt;
    return { ...figures, durationMs, passed };
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
