/** A script of the controller: which agents, which targets, and step by step what is done. docs/meter.md has its form. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { CommandIo } from '#common/command-line.ts';
import { errorText, HoldfastError } from '#common/errors.ts';
import { parseDurationMs } from '../../load/units.ts';
import { parseAddress } from './greeting.ts';

const AGENTS_MAX = 256;
const STEPS_MAX = 1000;
const AXES_MAX = 4;

export const scriptModes = ['streams', 'search', 'ops', 'classic'] as const;
export type ScriptMode = (typeof scriptModes)[number];

export interface MeasuredStep {
  readonly kind: ScriptMode;
  readonly name: string;
  /** Its entry of each list of `each`; empty for a step that stands alone. */
  readonly place: readonly string[];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export type ScriptStep =
  | MeasuredStep
  | { readonly kind: 'pause'; readonly name: string; readonly pauseMs: number }
  | { readonly kind: 'command'; readonly name: string; readonly command: string };

export interface Script {
  readonly agents: readonly string[];
  readonly steps: readonly ScriptStep[];
  /** Names of steps whose `when` was empty. */
  readonly skipped: readonly string[];
}

type Mapping = Readonly<Record<string, unknown>>;

function wrong(path: string, detail: string): HoldfastError {
  return new HoldfastError('invalid-argument', `${path}: ${detail}`);
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** Puts variables of the environment in the place of `${NAME}`, or what stands behind `:-` where it has none. */
function substituted(value: unknown, env: CommandIo['env'], path: string): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, otherwise?: string) => {
      const found = env[name];
      if (found !== undefined && (found !== '' || otherwise === undefined)) return found;
      if (otherwise === undefined) throw wrong(path, `the environment has no ${name}`);
      return otherwise;
    });
  if (Array.isArray(value)) return value.map((item) => substituted(item, env, path));
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, substituted(item, env, path)]),
  );
}

/** `{ codec: dv25, keep: true, during: [a, b] }` as `--codec dv25 --keep --during a --during b`; `''` is as if left out. */
function argsOf(options: Mapping, path: string): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    if (value === false) return [];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.flatMap((one) => {
      if (!isScalar(one)) throw wrong(path, `${name}: not a value`);
      return one === '' ? [] : [`--${name}=${one}`];
    });
  });
}

function environmentOf(value: unknown, path: string): Record<string, string> {
  if (!isMapping(value)) throw wrong(path, 'environment: a mapping of names to values');
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      if (!isScalar(one)) throw wrong(path, `environment: ${name}: not a value`);
      return [name, String(one)];
    }),
  );
}

/** All ways to take one entry of each list; the last list's entries follow each other. */
function productOf(lists: readonly (readonly Mapping[])[]): (readonly Mapping[])[] {
  return lists.reduce<(readonly Mapping[])[]>(
    (made, list) => made.flatMap((before) => list.map((entry) => [...before, entry])),
    [[]],
  );
}

function listsOf(value: unknown, path: string, where: string): Mapping[][] {
  const isList = (one: unknown): one is Mapping[] =>
    Array.isArray(one) && one.length > 0 && one.every(isMapping);
  if (!Array.isArray(value) || value.length === 0 || value.length > AXES_MAX || !value.every(isList))
    throw wrong(path, `${where}: each: 1 to ${AXES_MAX} lists of mappings of options`);
  return value;
}

function nameOf({ name, when: _when, ...options }: Mapping): string {
  return isScalar(name) ? String(name) : Object.values(options).filter(isScalar).join(' ');
}

function modeOf(step: Mapping, path: string, where: string): ScriptMode {
  const { mode = 'streams' } = step;
  const found = scriptModes.find((one) => one === mode);
  if (found === undefined) throw wrong(path, `${where}: mode: there are ${scriptModes.join(', ')}`);
  return found;
}

function scalarText(value: unknown, path: string, where: string): string {
  if (isScalar(value)) return `${value}`;
  throw wrong(path, `${where}: expected a word or a number`);
}

interface Common {
  readonly options: Mapping;
  readonly environment: Mapping;
  readonly path: string;
}

/** The steps of one entry of `steps`, and the names of those that are left out. */
function stepsOf(step: unknown, at: number, common: Common): { steps: ScriptStep[]; skipped: string[] } {
  const { path } = common;
  const where = `steps, number ${at + 1}`;
  if (!isMapping(step)) throw wrong(path, `${where}: not a mapping`);
  const { name: given, pause, command, each, mode, ...own } = step;
  const measures = mode !== undefined || own['streams'] !== undefined || each !== undefined;
  if ([pause !== undefined, command !== undefined, measures].filter(Boolean).length !== 1)
    throw wrong(path, `${where}: it has one of streams, mode, pause and command`);
  const called = isScalar(given) ? String(given) : undefined;
  const alone = called ?? `step ${at + 1}`;
  if (own['when'] === '' || own['when'] === false) return { steps: [], skipped: [alone] };
  if (pause !== undefined) {
    const pauseMs = parseDurationMs(scalarText(pause, path, where));
    return { steps: [{ kind: 'pause', name: alone, pauseMs }], skipped: [] };
  }
  if (command !== undefined)
    return {
      steps: [{ kind: 'command', name: alone, command: scalarText(command, path, where) }],
      skipped: [],
    };
  const kind = modeOf(step, path, where);
  const steps: ScriptStep[] = [];
  const skipped: string[] = [];
  for (const entries of each === undefined ? [[]] : productOf(listsOf(each, path, where))) {
    const place = entries.map(nameOf);
    const name =
      place.length === 0 ? alone : [...(called === undefined ? [] : [called]), ...place].join(', ');
    const merged: Record<string, unknown> = { ...common.options };
    let environment = { ...common.environment };
    for (const { name: _name, when: _when, environment: more = {}, ...options } of [own, ...entries]) {
      Object.assign(merged, options);
      environment = { ...environment, ...environmentOf(more, path) };
    }
    if (entries.some(({ when }) => when === '' || when === false)) skipped.push(name);
    else {
      if (!isScalar(merged['target'])) throw wrong(path, `${name}: target: a URL is needed`);
      const args = argsOf(merged, path);
      steps.push({ kind, name, place, args, environment: environmentOf(environment, path) });
    }
  }
  return { steps, skipped };
}

function parsed(text: string, env: CommandIo['env'], path: string): unknown {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw wrong(path, errorText(error).split('\n')[0] ?? '');
  }
  return substituted(value, env, path);
}

/** Throws `invalid-argument` with one clear line. */
export function parseScript(text: string, path: string, env: CommandIo['env'] = {}): Script {
  const value = parsed(text, env, path);
  if (!isMapping(value)) throw wrong(path, 'not a mapping of agents, target, options, environment and steps');
  const { agents = [], target, options = {}, environment = {}, steps, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw wrong(path, `${unknown}: there are agents, target, options, environment and steps`);
  if (!Array.isArray(agents) || agents.length > AGENTS_MAX || agents.some((one) => typeof one !== 'string'))
    throw wrong(path, `agents: a list of up to ${AGENTS_MAX} addresses`);
  const seen = new Map<string, string>();
  for (const agent of agents as string[]) {
    const where = parseAddress(agent);
    if (where === undefined) throw wrong(path, `agents: not an address: ${agent}`);
    const key = `${where.host}:${where.port}`;
    // Their results go by their names: one would stand for both.
    if (seen.has(key)) throw wrong(path, `agents: ${seen.get(key)} and ${agent} are the same`);
    seen.set(key, agent);
  }
  if (target !== undefined && typeof target !== 'string') throw wrong(path, 'target: a URL is needed');
  if (!isMapping(options)) throw wrong(path, 'options: not a mapping');
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > STEPS_MAX)
    throw wrong(path, `steps: a list of 1 to ${STEPS_MAX}`);
  const all = target === undefined ? options : { target, ...options };
  const common = { options: all, environment: environmentOf(environment, path), path };
  const made = steps.map((step, at) => stepsOf(step, at, common));
  const found = made.flatMap((one) => one.steps);
  if (found.length === 0) throw wrong(path, 'steps: every one is left out by its `when`');
  if (found.length > STEPS_MAX) throw wrong(path, `steps: they make ${found.length}, more than ${STEPS_MAX}`);
  return { agents: agents as string[], steps: found, skipped: made.flatMap((one) => one.skipped) };
}

export function readScript(path: string, env: CommandIo['env']): Script {
  try {
    return parseScript(readFileSync(path, 'utf8'), path, env);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw wrong(path, errorText(error));
  }
}
