/** Counts what ran, and keeps every failure whole for the end. */
export interface Failure {
  readonly file: string;
  readonly name: string;
  readonly text: string;
}

export class Tally {
  passed = 0;
  skipped = 0;
  readonly failures: Failure[] = [];

  get failed(): number {
    return this.failures.length;
  }

  get total(): number {
    return this.passed + this.failed + this.skipped;
  }

  /** The closing line, which scripts read. */
  line(): string {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }
}
