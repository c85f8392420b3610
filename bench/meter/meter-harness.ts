/** Runs a command of the meter within a test, and gives back all that it said and wrote. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { meterCommand } from './main.ts';
import type { MeterDocument } from './report/meter-document.ts';

export class MeterFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'holdfast-meter-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface MeterOutcome<Document> {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  readonly html: string;
  readonly csv: string;
  readonly document: () => Document;
}

export const PLANTED_ENV = { AWS_ACCESS_KEY_ID: 'planted', AWS_SECRET_ACCESS_KEY: 'very secret' };

export async function meter<Document extends MeterDocument>(
  args: string,
  more: {
    readonly env?: Record<string, string>;
    readonly signal?: AbortSignal;
    readonly isTTY?: boolean;
    /** Options that have spaces in them. */
    readonly options?: readonly string[];
    /** Told what it says when it says it. */
    readonly said?: (text: string) => void;
  } = {},
): Promise<MeterOutcome<Document>> {
  using folder = new MeterFolder();
  const file = (name: string): string => join(folder.path, name);
  const read = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');
  let out = '';
  let err = '';
  const outputs = ['--json', file('r.json'), '--html', file('r.html'), '--csv', file('r.csv')];
  const exitCode = await meterCommand([...args.split(' '), ...(more.options ?? []), ...outputs], {
    out: {
      write: (text) => {
        out += text;
        more.said?.(text);
      },
    },
    err: { isTTY: more.isTTY, columns: 120, write: (text) => (err += text) },
    env: more.env ?? PLANTED_ENV,
    signal: more.signal ?? new AbortController().signal,
  });
  const json = read('r.json');
  return {
    exitCode,
    out,
    err,
    html: read('r.html'),
    csv: read('r.csv'),
    document: () => {
      assert.notEqual(json, '', `no result; it said: ${err}`);
      return JSON.parse(json) as Document;
    },
  };
}

const SCHEMA = fileURLToPath(new URL('../../docs/meter-result.schema.json', import.meta.url));
const validate = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object);

/** Whether the published schema takes it. */
export function isConformant(document: unknown): boolean {
  return validate(document);
}

export function conforms(document: MeterDocument): void {
  assert.ok(validate(document), JSON.stringify(validate.errors, null, 1));
}
