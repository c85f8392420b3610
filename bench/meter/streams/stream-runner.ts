/** One stream: asks for its frames when the plan says, and notes when they came. */
import { errorText } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import { OperationFailure } from '../../load/operation-failure.ts';
import type { MediaTarget, Recording } from '../targets/target.ts';
import type { GrowingClip } from './growing-clip.ts';
import type { Pattern } from './pattern.ts';
import type { RunCounter, StreamCounter } from './tally.ts';
import { timingOf, type TimingSettings, type UnitTiming } from './timing.ts';
import type { Unit } from './unit.ts';

export interface StreamPlan {
  readonly pattern: Pattern;
  readonly units: Iterable<Unit>;
  /** Frames that all units together show. */
  readonly slotsTotal: number;
  readonly timing: TimingSettings;
  /** Since the run's start. */
  readonly startMs: number;
  /** Frames before this one are moved, and not counted. */
  readonly countedFromSlot: number;
  readonly inFlightMax: number;
  readonly dropAfterMs: number;
  /** What a recorder appends to; undefined where it writes an object a frame, and for players. */
  readonly recording: { open(): Promise<Recording> } | undefined;
  /** What another stream is recording, where this one plays that. */
  readonly growing: GrowingClip | undefined;
}

export interface RunSurroundings {
  readonly target: MediaTarget;
  readonly clock: Clock;
  readonly counter: RunCounter;
  /** The run's start on the clock. */
  readonly originMs: number;
  readonly signal: AbortSignal;
  /** Called when the signal aborts. A set, because a signal with thousands of listeners is slow to take another. */
  readonly sleepers: Set<() => void>;
}

/** What goes wrong in a target is the storage's; what is no such failure is ours, and is counted under its own kind. */
function failureOf(error: unknown): OperationFailure {
  return error instanceof OperationFailure
    ? error
    : new OperationFailure('aborted', 'meter', errorText(error));
}

/** How long giving a recording up may take; then it is left as it is. */
const ABORT_MS_MAX = 10_000;

interface Alarm {
  readonly over: Promise<void>;
  readonly isOver: boolean;
  end(): void;
}

export class StreamRunner {
  readonly #plan: StreamPlan;
  readonly #stream: StreamCounter;
  readonly #run: RunSurroundings;
  /** Each with what settles its unit, whether it ends or not. */
  readonly #underWay = new Map<Promise<void>, (failure: OperationFailure) => void>();
  #unblockedAtMs = 0;
  #recording: Recording | undefined;
  #recordingFailure: OperationFailure | undefined;

  constructor(plan: StreamPlan, stream: StreamCounter, run: RunSurroundings) {
    this.#plan = plan;
    this.#stream = stream;
    this.#run = run;
  }

  /** Never throws: what fails is counted. */
  async run(): Promise<void> {
    const plan = this.#plan;
    await this.#unlessStopped(this.#openRecording());
    // As long as opening took, the storage held the stream up.
    if (plan.recording !== undefined) this.#unblockedAtMs = this.#nowMs();
    const last = timingOf(plan.timing, plan.pattern, { firstSlot: plan.slotsTotal - 1, slots: 1, reads: [] });
    const endMs = plan.startMs + last.dueAtMs + plan.dropAfterMs;
    let lastDueMs = 0;
    for (const unit of plan.units) {
      const timing = timingOf(plan.timing, plan.pattern, unit);
      const askedMs = plan.startMs + timing.askedAtMs;
      await this.#sleepUntil(askedMs);
      if (this.#run.signal.aborted) break;
      // Time for which the storage held the stream up is not the meter's.
      const lagMs = this.#nowMs() - Math.max(askedMs, this.#unblockedAtMs);
      if (unit.firstSlot >= plan.countedFromSlot)
        this.#run.counter.asked(Math.max(0, lagMs), 1000 / plan.timing.framesPerS);
      lastDueMs = plan.startMs + timing.dueAtMs + (unit.slots - 1) * timing.intervalMs;
      // A player waits until the frames would be dropped anyway, a recorder, which leaves nothing out, until the end.
      const hasRoom = await this.#room(plan.pattern === 'record' ? endMs : lastDueMs + plan.dropAfterMs);
      if (this.#run.signal.aborted) break;
      this.#start(unit, timing, hasRoom);
    }
    await this.#settle(lastDueMs + plan.dropAfterMs);
    await this.#closeRecording();
  }

  #isFull(): boolean {
    return this.#underWay.size >= this.#plan.inFlightMax;
  }

  /** Waits for a place among the requests under way: one of them may never settle. Resolves to whether there is one. */
  async #room(giveUpMs: number): Promise<boolean> {
    if (!this.#isFull()) return true;
    const alarm = this.#alarm(giveUpMs - this.#nowMs());
    while (this.#isFull() && !alarm.isOver) await Promise.race([alarm.over, ...this.#underWay.keys()]);
    alarm.end();
    this.#unblockedAtMs = this.#nowMs();
    return !this.#isFull();
  }

  /** What never settles is not waited for once the run is stopped. */
  async #unlessStopped(work: Promise<void>): Promise<void> {
    const stopped = this.#alarm(undefined);
    await Promise.race([work, stopped.over]);
    stopped.end();
  }

  #nowMs(): number {
    return this.#run.clock.monotonicMs() - this.#run.originMs;
  }

  /** A timer may be up to a millisecond early: a frame asked for then could be there before it was to be asked for. */
  async #sleepUntil(untilMs: number): Promise<void> {
    for (let leftMs = untilMs - this.#nowMs(); leftMs > 0; leftMs = untilMs - this.#nowMs()) {
      await this.#sleep(leftMs);
      if (this.#run.signal.aborted) return;
    }
  }

  #sleep(leftMs: number): Promise<void> {
    return this.#alarm(leftMs).over;
  }

  /** Goes off after so long, if that is given, and in any case when the run is stopped. */
  #alarm(leftMs: number | undefined): Alarm {
    const { clock, signal, sleepers } = this.#run;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const alarm = { over, isOver: false, end: (): void => undefined };
    alarm.end = () => {
      alarm.isOver = true;
      timer?.cancel();
      sleepers.delete(alarm.end);
      resolve();
    };
    const timer = leftMs === undefined || signal.aborted ? undefined : clock.after(leftMs, alarm.end);
    sleepers.add(alarm.end);
    if (signal.aborted) alarm.end();
    return alarm;
  }

  #start(unit: Unit, timing: UnitTiming, hasRoom: boolean): void {
    const { startMs, countedFromSlot, dropAfterMs } = this.#plan;
    const askedMs = startMs + timing.askedAtMs;
    const dueMs = startMs + timing.dueAtMs;
    const bytes = unit.reads.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    let settled = false;
    const settle = (failure: OperationFailure | undefined): void => {
      if (settled) return;
      settled = true;
      const { slots, firstSlot } = unit;
      const outcome = {
        slots,
        firstSlot,
        bytes,
        askedMs,
        dueMs,
        intervalMs: timing.intervalMs,
        frameMs: 1000 / this.#plan.timing.framesPerS,
        doneMs: this.#nowMs(),
        failure,
      };
      this.#run.counter.done(this.#stream, outcome, countedFromSlot);
    };
    // A player that is too late for a frame goes on to the next; a recorder can leave nothing out.
    const lastDueMs = dueMs + (unit.slots - 1) * timing.intervalMs;
    const tooLate = this.#plan.pattern !== 'record' && this.#nowMs() > lastDueMs + dropAfterMs;
    if (tooLate || !hasRoom) {
      settle(new OperationFailure('overloaded', 'given-up', 'the frames before it took too long'));
      return;
    }
    const work = this.#move(unit, lastDueMs + dropAfterMs)
      .then(() => settle(undefined))
      .catch((error: unknown) => {
        // What breaks because the run was stopped says nothing of the storage.
        if (!this.#run.signal.aborted) settle(failureOf(error));
      })
      .finally(() => this.#underWay.delete(work));
    this.#underWay.set(work, settle);
  }

  async #move(unit: Unit, giveUpMs: number): Promise<void> {
    const { growing } = this.#plan;
    if (this.#plan.pattern === 'record') {
      const [range] = unit.reads;
      if (range === undefined) throw new RangeError('a recorder writes one thing at a time');
      // Of a sequence each frame is an object of its own.
      if (this.#plan.recording === undefined) await this.#run.target.put(range.object);
      else if (this.#recording === undefined) throw this.#notRecording();
      else await this.#recording.append(range.position, range.lengthBytes);
      growing?.stored(unit.firstSlot, unit.firstSlot + unit.slots);
      return;
    }
    if (
      growing !== undefined &&
      !(await growing.has(unit.firstSlot, unit.firstSlot + unit.slots, () =>
        this.#sleep(giveUpMs - this.#nowMs()),
      ))
    )
      throw new OperationFailure(
        'overloaded',
        'not-recorded',
        'the frame was not recorded in time to be played',
      );
    await Promise.all(
      unit.reads.map(({ object, position, lengthBytes }) =>
        this.#run.target.read(object, position, lengthBytes),
      ),
    );
  }

  #notRecording(): OperationFailure {
    return this.#recordingFailure ?? new OperationFailure('aborted', 'aborted', 'the recording has ended');
  }

  /** Waits for what is under way, but not beyond the moment from which it would be dropped anyway. */
  async #settle(untilMs: number): Promise<void> {
    if (this.#underWay.size === 0 || this.#run.signal.aborted) return;
    await Promise.race([
      Promise.all(this.#underWay.keys()),
      this.#sleep(Math.max(0, untilMs - this.#nowMs())),
    ]);
    if (this.#run.signal.aborted) return;
    for (const settle of this.#underWay.values())
      settle(new OperationFailure('peer-unavailable', 'never-came', 'it had not come when the run ended'));
  }

  async #openRecording(): Promise<void> {
    try {
      const recording = await this.#plan.recording?.open();
      this.#recording = recording;
      // Nobody waited for it.
      if (this.#run.signal.aborted) await this.#closeRecording();
    } catch (error) {
      this.#recordingFailure = failureOf(error);
    }
  }

  async #closeRecording(): Promise<void> {
    const recording = this.#recording;
    this.#recording = undefined;
    if (recording === undefined) return;
    const whole = this.#underWay.size === 0 && this.#stream.row.failure === null && !this.#run.signal.aborted;
    const closed = (whole ? recording.finish() : recording.abort()).catch((error: unknown) => {
      this.#stream.row.failure ??= failureOf(error).message;
    });
    if (whole) await this.#unlessStopped(closed);
    else await this.#atMost(closed, ABORT_MS_MAX);
  }

  async #atMost(work: Promise<void>, leftMs: number): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = this.#run.clock.after(leftMs, resolve);
    await Promise.race([work, over]);
    timer.cancel();
  }
}
