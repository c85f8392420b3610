/** What is wrong with a configuration file: every problem at once, each where it stands. */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
} from 'yaml';
import { HoldfastError } from '#common/errors.ts';

export interface Problem {
  /** 1-based; both 1 for the file as a whole. */
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** More than this are counted, not listed. */
export const PROBLEMS_MAX = 20;

/** Collects problems while a file is checked. */
export class Problems {
  readonly fileName: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #found: Problem[] = [];

  constructor(fileName: string, document: Document, lines: LineCounter) {
    this.fileName = fileName;
    this.#document = document;
    this.#lines = lines;
  }

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  /** What an alias stands for, or the node itself. */
  resolve(node: unknown): Node | null {
    if (isAlias(node)) return node.resolve(this.#document) ?? null;
    return isScalar(node) || isCollection(node) ? node : null;
  }

  /** @param at the node the problem is about; null for the file as a whole. */
  add(at: Node | null, text: string): void {
    const offset = at?.range?.[0];
    const place = offset === undefined ? undefined : this.#lines.linePos(offset);
    this.addAt(place?.line ?? 1, place?.col ?? 1, text);
  }

  addAt(line: number, column: number, text: string): void {
    this.#found.push({ line, column, text });
  }

  expected(at: Node | null, path: string, expected: string, found: Node | null): void {
    this.add(at, `${path === '' ? 'the file' : path}: expected ${expected}, found ${nodeText(found)}`);
  }

  /** Throws `configuration-invalid` with one line a problem, in the file's order, when there are any. */
  throwIfAny(): void {
    if (this.isEmpty) return;
    const sorted = this.#found.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const lines = sorted
      .slice(0, PROBLEMS_MAX)
      .map(({ line, column, text }) => `${this.fileName}:${line}:${column}: ${text}`);
    if (sorted.length > PROBLEMS_MAX) lines.push(`… and ${sorted.length - PROBLEMS_MAX} more`);
    throw new HoldfastError('configuration-invalid', lines.join('\n'));
  }
}

function nodeText(node: Node | null): string {
  if (isMap(node)) return 'a section';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  if (typeof node.value !== 'string') return node.source ?? JSON.stringify(node.value);
  const text = node.value.length > 60 ? `${node.value.slice(0, 60)}…` : node.value;
  return JSON.stringify(text);
}
