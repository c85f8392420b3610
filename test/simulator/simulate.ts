/** `npm run simulate -- [--seed N] [--seeds COUNT] [--bug NAME] [--trace]`: docs/simulator.md. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type TextSink, exitCodes } from '#common/command-line.ts';
import { errorText } from '#common/errors.ts';
import { plantedBugs } from './bugs.ts';
import { type Cores, realCores } from './cores.ts';
import { type ScheduleResult, type Statistics, operationsByKey, runSchedule } from './run-schedule.ts';
import { minimalHistory, tellStory } from './story.ts';

const SEEDS_DEFAULT = 1000;
const SEED_BOUND = 1_000_000_000;

interface Options {
  readonly seed: number;
  readonly seeds: number;
  readonly cores: Cores;
  readonly traces: boolean;
}

class UsageError extends Error {}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      bug: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const seedsDefault = values.seed === undefined ? SEEDS_DEFAULT : 1;
  return {
    seed: values.seed === undefined ? randomInt(SEED_BOUND) : wholeNumber('--seed', values.seed),
    seeds: values.seeds === undefined ? seedsDefault : wholeNumber('--seeds', values.seeds),
    cores: values.bug === undefined ? realCores : coresWithBug(values.bug),
    traces: values.trace,
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new UsageError(`${option} takes a whole number`);
  return value;
}

function coresWithBug(name: string): Cores {
  const bug = plantedBugs.find((planted) => planted.name === name);
  if (bug === undefined) {
    throw new UsageError(
      `no bug '${name}'; there are ${plantedBugs.map((planted) => planted.name).join(', ')}`,
    );
  }
  return bug.cores;
}

/** Runs the schedules until one shows a violation; returns the exit code. */
export function simulate(args: readonly string[], out: TextSink): number {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    out.write(`${errorText(error)}\n`);
    return exitCodes.usage;
  }
  out.write(`seeds ${options.seed} … ${options.seed + options.seeds - 1}\n`);
  const total = new Map<string, number>();
  for (let index = 0; index < options.seeds; index += 1) {
    const trace = (line: () => string): void => void out.write(`${line()}\n`);
    const result = options.traces
      ? runSchedule(options.seed + index, options.cores, trace)
      : runSchedule(options.seed + index, options.cores);
    add(total, result.statistics);
    if (result.violation === undefined) continue;
    writeStatistics(out, index + 1, total);
    writeViolation(out, result);
    return exitCodes.failed;
  }
  writeStatistics(out, options.seeds, total);
  return exitCodes.ok;
}

function add(total: Map<string, number>, statistics: Statistics): void {
  for (const [name, count] of Object.entries(statistics)) total.set(name, (total.get(name) ?? 0) + count);
}

function writeStatistics(out: TextSink, schedules: number, total: ReadonlyMap<string, number>): void {
  const figures = [...total].map(([name, count]) => `  ${name.padEnd(16)} ${count}`);
  out.write(`${[`${schedules} schedules`, ...figures].join('\n')}\n`);
}

function writeViolation(out: TextSink, result: ScheduleResult): void {
  const { violation, seed, operations } = result;
  if (violation === undefined) return;
  out.write(`seed ${seed}, key ${violation.key}: ${violation.type}\n`);
  const ofKey = operationsByKey(operations).get(violation.key) ?? [];
  const shown = violation.type === 'not linearizable' ? minimalHistory(ofKey) : ofKey;
  out.write(`${tellStory(shown).join('\n')}\n`);
}

if (import.meta.main) process.exitCode = simulate(process.argv.slice(2), process.stdout);
