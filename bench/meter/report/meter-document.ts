/**
 * The JSON documents of the meter; docs/meter.md explains every figure, docs/meter-result.schema.json is their schema. A
 * field is added freely; when one changes its meaning or goes, the version rises.
 */
import { hash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { errorText, HoldfastError } from '#common/errors.ts';
import { describeMachine, type Machine } from '../../report/document.ts';
import type { TargetTraits } from '../targets/target.ts';

export const METER_VERSION = 1;
export const meterKinds = ['streams', 'search', 'classic', 'ops', 'script'] as const;
export type MeterKind = (typeof meterKinds)[number];

export interface MeterDocument {
  readonly schema: `holdfast-meter-${MeterKind}`;
  readonly version: number;
  readonly startedAt: string;
  finishedAt: string | null;
  /** Whether all that was asked for was measured. */
  complete: boolean;
  /** Why not. */
  stopped: string | null;
  /** Whether the figures say something of the storage. */
  valid: boolean;
  invalidReasons: string[];
  readonly machine: Machine;
  target: TargetTraits | null;
  settings: Record<string, unknown>;
}

const MD5_SAMPLE_BYTES = 16 * 2 ** 20;

/** MiB/s of one core here and now, the best of three: tells a slow hour of a shared machine from a slow storage. */
function md5MiBPerS(): number {
  const bytes = Buffer.alloc(MD5_SAMPLE_BYTES, 1);
  let best = 0;
  for (let turn = 0; turn < 3; turn++) {
    const before = process.threadCpuUsage();
    hash('md5', bytes, 'hex');
    const { user, system } = process.threadCpuUsage(before);
    best = Math.max(best, MD5_SAMPLE_BYTES / 2 ** 20 / ((user + system) / 1e6));
  }
  return Math.round(best);
}

export function newDocument(kind: MeterKind, settings: Record<string, unknown>): MeterDocument {
  return {
    schema: `holdfast-meter-${kind}`,
    version: METER_VERSION,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    complete: false,
    stopped: null,
    valid: false,
    invalidReasons: [],
    machine: describeMachine(md5MiBPerS()),
    target: null,
    settings,
  };
}

/** Keeps the first reason. */
export function stopDocument(document: MeterDocument, reason: string): void {
  document.stopped ??= reason;
}

function cannotWrite(path: string, error: unknown): HoldfastError {
  return new HoldfastError('invalid-argument', `cannot write ${path}: ${errorText(error)}`, { cause: error });
}

/** Throws `invalid-argument` where a file could not be written: told before the measurement, it costs nothing. */
export function tryWriting(path: string): void {
  try {
    if (existsSync(path) && statSync(path).isDirectory()) throw new TypeError('it is a folder');
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, '');
    rmSync(temporary);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Written whole, then renamed: whenever the run ends, the file is a document. */
export function writeWhole(path: string, text: string): void {
  try {
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Throws `format-invalid` when the file is no document of the meter of this version. */
export function readMeterDocument(path: string): MeterDocument {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new HoldfastError('format-invalid', `cannot read ${path}: ${errorText(error)}`, { cause: error });
  }
  const document = (typeof value === 'object' && value !== null ? value : {}) as Partial<MeterDocument>;
  if (!meterKinds.some((kind) => document.schema === `holdfast-meter-${kind}`))
    throw new HoldfastError('format-invalid', `${path} is not a result of the meter`);
  if (document.version !== METER_VERSION)
    throw new HoldfastError(
      'format-invalid',
      `${path} has version ${document.version}, this program reads ${METER_VERSION}`,
    );
  return document as MeterDocument;
}
