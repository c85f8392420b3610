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

/** Thrown where the command that was to be run during the steps fails or is too slow for them, whenever it is tried. */
class NoFault extends Error {}

interface Surrounded {
  readonly result: CrewResult;
  readonly fault: FaultOutcome | null;
  readonly restore: FaultOutcome | null;
  /** Whether the fault was done when the run ended. */
  readonly inside: boolean;
}

/** Reasons for which a run with late frames says nothing of the storage. */
function isOfMeter(reason: string): boolean {
  return reason.startsWith('meter-');
}

function isFailed(outcome: FaultOutcome | null): outcome is FaultOutcome {
  return outcome !== null && outcome.exitCode !== 0;
}

function failureText({ command, exitCode, output }: FaultOutcome): string {
  const said = output === '' ? '' : `: ${output}`;
  return `the storage was not restored: \`${command}\` ended with ${exitCode ?? 'a signal'}${said}`;
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
    try {
      return await this.#searched(fault, start, most);
    } catch (error) {
      if (!(error instanceof NoFault)) throw error;
      return { streams: 0, limitedBy: 'the fault', confirmedBy: null, invalidReasons: ['fault-failed'] };
    }
  }

  async #searched(fault: Fault | undefined, start: number, most: number): Promise<PhaseAnswer> {
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

  /**
   * A step in which the meter was in the way, or the fault did not happen, says nothing: it is made again, a few times
   * at most.
   */
  async #step(streams: number, attempt: Attempt): Promise<Outcome> {
    let outcome: Outcome | 'no fault' = 'impossible';
    for (let turn = 0; turn < ATTEMPTS_MAX && outcome !== 'passes' && outcome !== 'fails'; turn++)
      outcome = await this.#attempt(streams, attempt);
    if (outcome === 'no fault') throw new NoFault();
    return outcome;
  }

  async #attempt(streams: number, { fault, purpose, durationMs }: Attempt): Promise<Outcome | 'no fault'> {
    this.#signal.throwIfAborted();
    await this.#stage.prepare(streams);
    const around = await this.#runWith(fault, () =>
      this.#stage.run(streams, { durationMs, untilLate: true }),
    );
    this.#signal.throwIfAborted();
    const { result, restore } = around;
    const phase = fault === undefined ? 'healthy' : 'during';
    const figures = this.#stepOf(around, durationMs, fault);
    const step = { ...figures, phase, purpose, fault: around.fault, restore } as const;
    this.#document.steps.push(step);
    if (purpose === 'confirm' && phase === 'healthy') this.#keep(step, result);
    this.#events.step(step);
    const [lost] = Object.entries(step.lostWorkers);
    // The streams of those that are left are not the streams of all: the storage was asked for less than was said.
    if (lost !== undefined) throw new HoldfastError('peer-unavailable', `${lost[0]} was lost: ${lost[1]}`);
    if (isFailed(restore)) throw new HoldfastError('aborted', failureText(restore));
    if (step.invalidReasons.includes('fault-failed')) return 'no fault';
    if (step.passed) return 'passes';
    return step.invalidReasons.some(isOfMeter) ? 'impossible' : 'fails';
  }

  /** However the run ends, no fault comes after it, and what was done to the storage is put right. */
  async #runWith(fault: Fault | undefined, run: () => Promise<CrewResult>): Promise<Surrounded> {
    if (fault === undefined) return { result: await run(), fault: null, restore: null, inside: false };
    let running: Promise<FaultOutcome> | undefined;
    let startedMs = Number.POSITIVE_INFINITY;
    const timer = setTimeout(() => {
      startedMs = performance.now();
      running = runFault(fault.during, this.#signal);
    }, this.#settings.warmupMs + START_MARGIN_MS);
    const restored = async (): Promise<FaultOutcome | null> => {
      clearTimeout(timer);
      await running;
      return fault.restore === undefined ? null : await runFault(fault.restore);
    };
    let result: CrewResult;
    try {
      result = await run();
    } catch (error) {
      await restored();
      throw error;
    }
    const endedMs = performance.now();
    const restore = await restored();
    const outcome = (await running) ?? null;
    return { result, fault: outcome, restore, inside: startedMs + (outcome?.tookMs ?? 0) <= endedMs };
  }

  #stepOf({ result, fault, restore, inside }: Surrounded, durationMs: number, asked: Fault | undefined) {
    // A step that ended at its first late frame has counted until then.
    const countedMs = Math.min(durationMs, Math.max(0, result.elapsedMs - this.#settings.warmupMs));
    const figures = figuresOf(result, this.#document.steps.length + 1, countedMs / 1000);
    // A meter that was busy and yet had no late frame has shown what it was to show.
    const spoilt = figures.invalidReasons.some((reason) => !isOfMeter(reason));
    // A worker that gave up, in the warm-up perhaps, has no late frame either.
    const whole = result.stopped === null && figures.framesTotal === result.framesPlanned;
    const passed = whole && figures.framesLate === 0 && figures.framesTotal > 0 && !spoilt;
    // Late frames are late, whether the fault was done by then or not; that there were none says something only if it was.
    const noFault = isFailed(fault) || (asked !== undefined && passed && !inside);
    const invalidReasons = [
      ...figures.invalidReasons,
      ...(noFault ? ['fault-failed'] : []),
      ...(isFailed(restore) ? ['not-restored'] : []),
    ];
    const valid = invalidReasons.length === 0;
    return { ...figures, valid, invalidReasons, durationMs, passed: passed && !noFault };
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
