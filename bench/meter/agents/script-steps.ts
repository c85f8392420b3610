/** What a script's steps ask for, how long that takes, and doing them one by one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandIo } from '#common/command-line.ts';
import { type ClassicSettings, classicWishOf, runClassicWish } from '../classic/classic-command.ts';
import { MeterCrew } from '../crew/crew.ts';
import { opsWishOf, type OpsSettings, runOpsWish } from '../ops/ops-command.ts';
import type { LiveView } from '../report/live-view.ts';
import { runFault } from '../search/fault.ts';
import { runSearchWish, type SearchWish, searchWishOf } from '../search/search-command.ts';
import { runStreamsWish, type StreamsWish, streamsWishOf } from '../streams/streams-command.ts';
import { wrong } from '../../load/option-values.ts';
import type { MeasuredStep, ScriptStep } from './script.ts';
import type { ScriptStepReport, StepResult } from './script-document.ts';

type Wish =
  | { readonly kind: 'streams'; readonly wish: StreamsWish }
  | { readonly kind: 'search'; readonly wish: SearchWish }
  | { readonly kind: 'ops'; readonly wish: OpsSettings }
  | { readonly kind: 'classic'; readonly wish: ClassicSettings };

function isMeasured(step: ScriptStep): step is MeasuredStep {
  return step.kind !== 'pause' && step.kind !== 'command';
}

async function wishOf(step: MeasuredStep, env: CommandIo['env']): Promise<Wish> {
  const { kind, name, args } = step;
  const around = { ...env, ...step.environment };
  const asked = async () => {
    if (kind === 'streams') return { kind, wish: await streamsWishOf(args, around) };
    if (kind === 'search') return { kind, wish: await searchWishOf(args, around) };
    if (kind === 'ops') return { kind, wish: opsWishOf(args, around) };
    return { kind, wish: classicWishOf(args, around) };
  };
  const found = await asked();
  if (found.wish === 'help') throw wrong(`${name}: help is no step`);
  return found as Wish;
}

/** Steps that a search takes, about: some doublings, some halvings; with a fault fewer, from what the healthy one gave. */
const SEARCH_STEPS = 8;
const FAULT_STEPS = 4;
/** Every other search fails once to confirm what it found, and ends that half-way, at its first late frame. */
const CONFIRMATIONS = 1.25;
/** Of a step, beside its warm-up, its duration and the stagger of its streams. */
const STEP_S = 0.5;
/** Of a measurement: opening the target, writing the clips, removing them. */
const CLIPS_S = 8;

function expectedS({ kind, wish }: Wish): number {
  if (kind === 'classic') return wish.durationMs / 1000;
  if (kind === 'ops') return (wish.repeat * (wish.order.warmupMs + wish.order.durationMs)) / 1000 + CLIPS_S;
  if (kind === 'streams') {
    const { warmupMs, durationMs, staggerMs } = wish.settings;
    return wish.repeat * ((warmupMs + durationMs + staggerMs) / 1000 + STEP_S) + CLIPS_S;
  }
  const { stepMs, durationMs, faults } = wish.search;
  const aroundMs = wish.search.warmupMs + wish.streams.staggerMs;
  const steps = SEARCH_STEPS + FAULT_STEPS * faults.length;
  const stepS = (stepMs + aroundMs) / 1000 + STEP_S;
  const confirmS = (durationMs + aroundMs) / 1000 + STEP_S;
  return steps * stepS + CONFIRMATIONS * (1 + faults.length) * confirmS + CLIPS_S;
}

export interface Plan {
  readonly measurements: number;
  /** How long all of it takes, about. */
  readonly expectedS: number;
}

/** Throws `invalid-argument` where a step asks for what cannot be: before the first one is done. */
export async function planOf(steps: readonly ScriptStep[], env: CommandIo['env']): Promise<Plan> {
  let measurements = 0;
  let seconds = 0;
  for (const step of steps) {
    if (step.kind === 'pause') seconds += step.pauseMs / 1000;
    if (!isMeasured(step)) continue;
    measurements++;
    seconds += expectedS(await wishOf(step, env));
  }
  return { measurements, expectedS: seconds };
}

/** @param agents those that there are; undefined for processes of this machine, as many as the step asks for. */
async function measure(
  asked: Wish,
  agents: MeterCrew | undefined,
  io: CommandIo,
  view: LiveView,
): Promise<StepResult> {
  if (asked.kind === 'classic') {
    if (agents !== undefined)
      throw wrong('classic measures a folder of this machine: a script with agents has none');
    return await runClassicWish(asked.wish, io);
  }
  const processes = asked.kind === 'ops' ? asked.wish.processes : processesOf(asked);
  using own = agents === undefined ? MeterCrew.local(processes, view) : undefined;
  const crew = agents ?? own ?? new MeterCrew(view);
  if (asked.kind === 'streams') return await runStreamsWish(asked.wish, crew, io, view);
  if (asked.kind === 'search') return await runSearchWish(asked.wish, crew, io, view);
  return await runOpsWish(asked.wish, crew, io, view);
}

function processesOf(asked: Extract<Wish, { kind: 'streams' | 'search' }>): number {
  return asked.kind === 'search' ? asked.wish.streams.processes : asked.wish.settings.processes;
}

export async function doStep(
  step: ScriptStep,
  agents: MeterCrew | undefined,
  view: LiveView,
  io: CommandIo,
): Promise<ScriptStepReport> {
  const { name, kind } = step;
  view.activity(name);
  if (step.kind === 'pause') {
    await sleep(step.pauseMs, undefined, { signal: io.signal }).catch(() => undefined);
    return { name, kind, place: [], result: null };
  }
  if (step.kind === 'command')
    return { name, kind, place: [], result: await runFault(step.command, io.signal) };
  const asked = await wishOf(step, io.env);
  // The table at the end is the result; what a step says on its way is progress.
  const result = await measure(asked, agents, { ...io, out: io.err }, view);
  return { name, kind, place: step.place, result };
}
