/** `npm run simulate -- [--seed N] [--seeds COUNT] [--bug NAME] [--trace] [--cluster]`: docs/simulator.md. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type TextSink, exitCodes } from '#common/command-line.ts';
import { errorText } from '#common/errors.ts';
import { plantedBugs } from './bugs.ts';
import { clusterBugs } from './cluster/cluster-bugs.ts';
import { realParts } from './cluster/cluster-world.ts';
import { simulateCluster } from './cluster/simulate-cluster.ts';
import { type Cores, realCores } from './cores.ts';
import { type ScheduleResult, type Statistics, operationsByKey, runSchedule } from './run-schedule.ts';
import { minimalHistory, tellStory } from './story.ts';
import { noTrace } from './trace.ts';

const SEEDS_DEFAULT = 1000;
const SEED_BOUND = 1_000_000_000;

interface Options {
  readonly seed: number;
  readonly seeds: number;
  readonly bug: string | undefined;
  readonly traces: boolean;
  readonly ofCluster: boolean;
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
      cluster: { type: 'boolean', default: false },
    },
  });
  const seedsDefault = values.seed === undefined ? SEEDS_DEFAULT : 1;
  return {
    seed: values.seed === undefined ? randomInt(SEED_BOUND) : wholeNumber('--seed', values.seed),
    seeds: values.seeds === undefined ? seedsDefault : wholeNumber('--seeds', values.seeds),
    bug: values.bug,
    traces: values.trace,
    ofCluster: values.cluster,
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new UsageError(`${option} takes a whole number`);
  return value;
}

function bugNamed<Bug extends { readonly name: string }>(bugs: readonly Bug[], name: string): Bug {
  const bug = bugs.find((planted) => planted.name === name);
  if (bug === undefined) {
    throw new UsageError(`no bug '${name}'; there are ${bugs.map((planted) => planted.name).join(', ')}`);
  }
  return bug;
}

/** Runs the schedules until one shows a violation; resolves to the exit code. */
export async function simulate(args: readonly string[], out: TextSink): Promise<number> {
  try {
    const options = readOptions(args);
    const { seed, seeds, bug } = options;
    const cores = bug === undefined || options.ofCluster ? realCores : bugNamed(plantedBugs, bug).cores;
    const parts = bug === undefined || !options.ofCluster ? realParts : bugNamed(clusterBugs, bug).parts;
    if (options.ofCluster && options.traces) throw new UsageError('a cluster is not traced');
    out.write(`seeds ${seed} … ${seed + seeds - 1}\n`);
    if (options.ofCluster) return await simulateCluster(seed, seeds, parts, out);
    return simulateRegisters(options, cores, out);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    out.write(`${errorText(error)}\n`);
    return exitCodes.usage;
  }
}

/** Ours, or one of `parseArgs`. */
function isUsageError(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof TypeError && 'code' in error);
}

function simulateRegisters(options: Options, cores: Cores, out: TextSink): number {
  const total = new Map<string, number>();
  const trace = options.traces ? (line: () => string): void => void out.write(`${line()}\n`) : noTrace;
  for (let index = 0; index < options.seeds; index += 1) {
    const result = runSchedule(options.seed + index, cores, trace);
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

if (import.meta.main) process.exitCode = await simulate(process.argv.slice(2), process.stdout);
