/** Reads a YAML file by a rule. */
import { readFileSync, statSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { errorText, HoldfastError } from '#common/errors.ts';
import { Problems } from './problems.ts';
import { type Fields, mapping, type ValueOf } from './schema.ts';

export const FILE_BYTES_MAX = 1 << 20;

/** Throws `configuration-invalid`: one line a problem, as `FILE:LINE:COLUMN: KEY: expected …, found …`. */
export function checkConfig<F extends Fields>(source: string, fileName: string, fields: F): ValueOf<F> {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, stringKeys: false });
  const problems = new Problems(fileName, document, lines);
  for (const error of [...document.errors, ...document.warnings]) {
    const place = lines.linePos(error.pos[0]);
    problems.addAt(place.line, place.col, `not valid YAML: ${error.message}`);
  }
  problems.throwIfAny();
  const value = mapping(fields).check(problems.resolve(document.contents), '', problems);
  problems.throwIfAny();
  if (value === undefined) throw new Error('a rule refused a value without saying why');
  return value;
}

export function loadConfig<F extends Fields>(fileName: string, fields: F): ValueOf<F> {
  return checkConfig(readSource(fileName), fileName, fields);
}

function readSource(fileName: string): string {
  try {
    if (statSync(fileName).size > FILE_BYTES_MAX) {
      throw new HoldfastError('configuration-invalid', `${fileName}: a configuration file has at most 1 MiB`);
    }
    return readFileSync(fileName, 'utf8');
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('configuration-invalid', `${fileName}: ${errorText(cause)}`, { cause });
  }
}
