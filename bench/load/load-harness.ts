/** Runs `holdfast bench load` within a test, and gives back all that it said. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadDocument, readDocument, type Row } from '../report/document.ts';
import { benchLoadCommand } from './main.ts';

export class TemporaryFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  readonly document: LoadDocument;
  readonly row: (operation: string) => Row;
}

export const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'planted', AWS_SECRET_ACCESS_KEY: 'secret' };

/** What a row says of the generator's own processor: whether one was free is the machine's affair, not the test's. */
const GENERATOR_REASONS = new Set(['generator-cpu', 'generator-starved', 'generator-late']);

/**
 * Why a row is not valid, besides that the generator had too little processor: a test runs beside others, and on a busy
 * machine that is so. When it is said is tested where the figures are given (`bench/report/report.test.ts`).
 */
export function reasonsOfServer(row: Pick<Row, 'invalidReasons'> | undefined): string[] | undefined {
  return row?.invalidReasons.filter((reason) => !GENERATOR_REASONS.has(reason));
}

export async function load(
  endpoint: string,
  options: string,
  more: { readonly signal?: AbortSignal; readonly isTTY?: boolean; readonly accessKeyId?: string } = {},
): Promise<Outcome> {
  using folder = new TemporaryFolder();
  const json = join(folder.path, 'result.json');
  let out = '';
  let err = '';
  const exitCode = await benchLoadCommand(
    ['--endpoint', endpoint, '--warmup', '0', '--seed', 'a test', '--json', json, ...options.split(' ')],
    {
      out: { write: (text) => (out += text) },
      err: { isTTY: more.isTTY, columns: 200, write: (text) => (err += text) },
      env: {
        ...CREDENTIALS,
        ...(more.accessKeyId === undefined ? {} : { AWS_ACCESS_KEY_ID: more.accessKeyId }),
      },
      signal: more.signal ?? new AbortController().signal,
    },
  );
  const document = readDocument(json);
  return {
    exitCode,
    out,
    err,
    document,
    row: (operation) => {
      const row = document.rows.find((one) => one.operation === operation);
      assert.ok(row !== undefined, `no row for ${operation}; stopped: ${document.stopped}`);
      return row;
    },
  };
}
