/** A script of the controller: which agents, which target, and step by step what they do together. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { errorText, HoldfastError } from '#common/errors.ts';
import { parseDurationMs } from '../../load/units.ts';

const AGENTS_MAX = 256;
const STEPS_MAX = 1000;

export type ScriptStep =
  | { readonly kind: 'streams'; readonly name: string; readonly args: readonly string[] }
  | { readonly kind: 'pause'; readonly name: string; readonly pauseMs: number }
  | { readonly kind: 'command'; readonly name: string; readonly command: string };

export interface Script {
  readonly agents: readonly string[];
  readonly steps: readonly ScriptStep[];
}

function wrong(path: string, detail: string): HoldfastError {
  return new HoldfastError('invalid-argument', `${path}: ${detail}`);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{ codec: dv25, keep: true }` as `--codec dv25 --keep`. */
function argsOf(options: Record<string, unknown>, path: string): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    if (value === false) return [];
    if (typeof value !== 'string' && typeof value !== 'number') throw wrong(path, `${name}: not a value`);
    return [`--${name}`, String(value)];
  });
}

function stepOf(step: unknown, at: number, common: Record<string, unknown>, path: string): ScriptStep {
  const where = `steps, number ${at + 1}`;
  if (!isMapping(step)) throw wrong(path, `${where}: not a mapping`);
  const { name: given, pause, command, ...options } = step;
  const name = typeof given === 'string' ? given : `step ${at + 1}`;
  const kinds = [pause !== undefined, command !== undefined, options['streams'] !== undefined];
  if (kinds.filter(Boolean).length !== 1)
    throw wrong(path, `${where}: it has one of streams, pause and command`);
  if (pause !== undefined)
    return { kind: 'pause', name, pauseMs: parseDurationMs(scalarText(pause, path, where)) };
  if (command !== undefined) return { kind: 'command', name, command: scalarText(command, path, where) };
  return { kind: 'streams', name, args: argsOf({ ...common, ...options }, path) };
}

function scalarText(value: unknown, path: string, where: string): string {
  if (typeof value === 'string' || typeof value === 'number') return `${value}`;
  throw wrong(path, `${where}: expected a word or a number`);
}

/** Throws `invalid-argument` with one clear line. */
export function parseScript(text: string, path: string): Script {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw wrong(path, errorText(error).split('\n')[0] ?? '');
  }
  if (!isMapping(value)) throw wrong(path, 'not a mapping of agents, target, options and steps');
  const { agents = [], target, options = {}, steps, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong(path, `${unknown}: there are agents, target, options and steps`);
  if (!Array.isArray(agents) || agents.length > AGENTS_MAX || agents.some((one) => typeof one !== 'string'))
    throw wrong(path, `agents: a list of up to ${AGENTS_MAX} addresses`);
  if (typeof target !== 'string') throw wrong(path, 'target: a URL is needed');
  if (!isMapping(options)) throw wrong(path, 'options: not a mapping');
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > STEPS_MAX)
    throw wrong(path, `steps: a list of 1 to ${STEPS_MAX}`);
  const common = { target, ...options };
  return { agents: agents as string[], steps: steps.map((step, at) => stepOf(step, at, common, path)) };
}

export function readScript(path: string): Script {
  try {
    return parseScript(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw wrong(path, errorText(error));
  }
}
