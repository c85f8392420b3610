/** What docs/STYLE.md asks and a machine can check. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ROOMS = ['common', 'ring', 'storage-node', 'cluster', 'proxy', 'control', 'console', 'bench', 'test'];

/** What a room may import besides itself: design, "Layout and layers". */
const IMPORTS: Record<string, readonly string[]> = {
  common: [],
  ring: ['common'],
  'storage-node': ['common', 'ring'],
  cluster: ['common', 'ring', 'storage-node/protocol'],
  proxy: ['common', 'ring', 'cluster', 'control/protocol'],
  control: ['common', 'ring', 'cluster'],
  console: ['common', 'ring', 'storage-node', 'cluster', 'proxy', 'control', 'bench'],
  bench: ['common'],
  test: ['common', 'ring', 'storage-node', 'cluster', 'proxy', 'control', 'console', 'bench'],
};

const FILE_LINES_MAX = 600;
const FILE_LINES_ASKED = 400;
/** Files past 400 lines, each with its reason. */
const LONG_FILES: Record<string, string> = {};
const MEDIAN_LINES_MAX = 150;
const FUNCTION_LINES_MAX = 70;
const FORBIDDEN_NAMES = /^(utils?|helpers?|misc|manager|common)\b/;

interface Source {
  readonly path: string;
  readonly room: string;
  readonly lines: readonly string[];
  readonly isTest: boolean;
}

async function readSources(): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const file of glob(
    ROOMS.map((room) => `${room}/**/*.ts`),
    { cwd: ROOT },
  )) {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
    const isTest = /\.(test|compliance|bench)\.ts$/.test(file) || file.startsWith('test/');
    sources.push({ path: file, room: file.split('/')[0] ?? '', lines, isTest });
  }
  return sources.toSorted((a, b) => a.path.localeCompare(b.path));
}

/** Paths, from the root, of what a file imports from this project. */
function importsOf(source: Source): string[] {
  const found: string[] = [];
  for (const [, specifier = ''] of source.lines
    .join('\n')
    .matchAll(/(?:from|import)\s*\(?\s*'([#.][^']+)'/g)) {
    if (specifier.startsWith('#')) found.push(specifier.slice(1));
    else found.push(relative(ROOT, resolve(ROOT, dirname(source.path), specifier)));
  }
  return found;
}

/** Lines of the functions and methods of a file, by the indentation that the formatter guarantees. */
function functionsOf(source: Source): { name: string; lines: number }[] {
  const functions: { name: string; lines: number }[] = [];
  const head =
    /^(\s*)(?:export )?(?:default )?(?:static |private |override |async |get |set )*(?:function\*? (\w+)|(#?\w+)(?=(?:<[^>]*>)?\()).*\{$/;
  source.lines.forEach((line, start) => {
    const match = head.exec(line);
    if (match === null || /^\s*(if|for|while|switch|return|describe|test|it)\b/.test(line)) return;
    const end = source.lines.findIndex((other, at) => at > start && other.startsWith(`${match[1]}}`));
    if (end > start) functions.push({ name: match[2] ?? match[3] ?? '', lines: end - start + 1 });
  });
  return functions;
}

describe('the tree', () => {
  let sources: Source[];
  before(async () => {
    sources = await readSources();
  });

  test('is found', () => {
    assert.ok(sources.length > 100);
  });

  test('imports one way: common → ring → storage-node/protocol → cluster → proxy → console, test', () => {
    const wrong: string[] = [];
    for (const source of sources) {
      // Tests beside a subject may set up what stands below the rooms above them.
      if (source.isTest) continue;
      for (const imported of importsOf(source)) {
        const room = imported.split('/')[0] ?? '';
        const allowed = [source.room, ...(IMPORTS[source.room] ?? [])];
        if (!allowed.some((path) => imported.startsWith(`${path}/`) || room === source.room)) {
          wrong.push(`${source.path} imports ${imported}`);
        }
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('has small rooms', () => {
    const long = sources.filter(({ lines }) => lines.length > FILE_LINES_MAX).map(({ path }) => path);
    assert.deepEqual(long, []);
    const asked = sources.filter(
      ({ path, lines }) => lines.length > FILE_LINES_ASKED && LONG_FILES[path] === undefined,
    );
    assert.deepEqual(
      asked.map(({ path, lines }) => `${path}: ${lines.length} lines`),
      [],
    );
    const lengths = sources.map(({ lines }) => lines.length).toSorted((a, b) => a - b);
    const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
    assert.ok(median < MEDIAN_LINES_MAX, `the median is ${median} lines`);
  });

  test('has short functions', () => {
    const long: string[] = [];
    for (const source of sources) {
      // A compliance suite is a function around tests.
      if (source.path.endsWith('.compliance.ts')) continue;
      for (const { name, lines } of functionsOf(source)) {
        if (lines > FUNCTION_LINES_MAX) long.push(`${source.path}: ${name} has ${lines} lines`);
      }
    }
    assert.deepEqual(long, []);
  });

  test('has no room for leftovers', () => {
    const named = sources.filter(({ path }) => FORBIDDEN_NAMES.test(basename(path)));
    assert.deepEqual(
      named.map(({ path }) => path),
      [],
    );
  });

  test('skips no test and silences no tool', () => {
    // The words are put together so that this file does not find itself.
    const forbidden = new RegExp(
      [
        '\\b(?:test|describe|it)\\.(?:skip|only|todo)\\(',
        [':', 'any\\b(?![ \\w]*[\'"`])'].join(' '),
        ['\\bas', 'any\\b(?=[;,)\\]])'].join(' '),
      ].join('|'),
    );
    // What silences a tool is a comment. One rule may be: what S3 refuses in keys and XML are control characters.
    const silences = new RegExp(
      [
        ['@ts', '(?:ignore|expect-error|nocheck)'].join('-'),
        ['(?:ox|es)lint', 'disable(?!-next-line no-control-regex$)'].join('-'),
      ].join('|'),
    );
    const found: string[] = [];
    for (const { path, lines } of sources) {
      lines.forEach((line, at) => {
        if (silences.test(line)) found.push(`${path}:${at + 1}: ${line.trim()}`);
        if (/^\s*(?:\*|\/\/|\/\*)/.test(line)) return;
        if (forbidden.test(line)) found.push(`${path}:${at + 1}: ${line.trim()}`);
      });
    }
    assert.deepEqual(found, []);
  });

  test('names no machine', async () => {
    const found: string[] = [];
    const machine = new RegExp(['/work', '(?:main|shared|\\.library|\\.mirror)'].join('/'));
    for await (const file of glob(['docs/**/*.md', '*.md', '*.json', 'holdfast', '.ci/run'], { cwd: ROOT })) {
      if (machine.test(readFileSync(join(ROOT, file), 'utf8'))) found.push(file);
    }
    for (const { path, lines } of sources) if (machine.test(lines.join('\n'))) found.push(path);
    assert.deepEqual(found, []);
  });

  test('links its pages to pages that exist', async () => {
    const broken: string[] = [];
    for await (const file of glob(['docs/**/*.md', '*.md'], { cwd: ROOT })) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
        const path = join(ROOT, dirname(file), target);
        try {
          readFileSync(path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EISDIR') broken.push(`${file}: ${target}`);
        }
      }
    }
    assert.deepEqual(broken, []);
  });
});
