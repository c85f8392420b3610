/** What there is to run, in the order in which a failure says most. */
import { glob } from 'node:fs/promises';
import { join } from 'node:path';

/** A check is a program whose exit code tells; it counts as one test. */
export interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export const checks: readonly Check[] = [
  { name: 'format', command: 'biome', args: ['format', '.'] },
  { name: 'lint', command: 'oxlint', args: ['--type-aware', '--quiet', '.'] },
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
];

export interface Group {
  readonly name: string;
  readonly patterns: readonly string[];
  /** Processes at the same time. */
  readonly concurrency: number;
  /** Whether a process runs many of its files, and not one. */
  readonly together?: boolean;
  /** Files whose names end like this are another group's. */
  readonly without?: readonly string[];
  /** Whether it needs the Debian packages. */
  readonly needsPackages: boolean;
}

const ROOMS = ['common', 'ring', 'storage-node', 'cluster', 'proxy', 'control', 'console', 'bench'];
/**
 * Tests beside their subject that are no unit's: they run programs and servers, load them, crash a device at every call, or throw
 * thousands of inputs at a parser. Their names say so.
 */
const LONGER = ['crash', 'faults', 'fuzz', 'load', 'real'].map((kind) => `.${kind}.test.ts`);

export const groups: readonly Group[] = [
  { name: 'tidy', patterns: ['test/tidy.test.ts'], concurrency: 1, needsPackages: false },
  {
    name: 'unit',
    patterns: ROOMS.map((room) => `${room}/**/*.test.ts`),
    without: LONGER,
    concurrency: 2,
    together: true,
    needsPackages: false,
  },
  {
    name: 'longer',
    patterns: ROOMS.flatMap((room) => LONGER.map((ending) => `${room}/**/*${ending}`)),
    concurrency: 2,
    needsPackages: false,
  },
  { name: 'cluster', patterns: ['test/cluster/**/*.test.ts'], concurrency: 2, needsPackages: false },
  { name: 'simulator', patterns: ['test/simulator/**/*.test.ts'], concurrency: 2, needsPackages: false },
  { name: 'faults', patterns: ['test/faults/**/*.test.ts'], concurrency: 1, needsPackages: false },
  { name: 'house', patterns: ['test/house/**/*.test.ts'], concurrency: 1, needsPackages: true },
  { name: 'clients', patterns: ['test/clients/**/*.test.ts'], concurrency: 1, needsPackages: true },
];

/** The group's files below `root`, sorted. */
export async function filesOf(root: string, group: Group): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob([...group.patterns], { cwd: root })) {
    if (group.without?.some((ending) => file.endsWith(ending)) !== true) files.push(join(root, file));
  }
  return files.toSorted();
}
