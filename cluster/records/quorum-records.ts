/** Records on a quorum of replicas. */
import { HoldfastError } from '#common/errors.ts';
import type { Ballot } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { TransientMap } from '#common/transients.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import type { Decision, Records, StoredRecord } from '../cluster.ts';
import type { ClusterContext } from '../context.ts';
import type { Ticker } from '../ticker.ts';
import { runMutation } from './run-mutation.ts';
import { runReading } from './run-reading.ts';

/** Mutations of one key that may wait for each other in this process. */
const WAITING_MAX = 1000;

export class QuorumRecords implements Records {
  readonly #context: ClusterContext;
  readonly #ticker: Ticker;
  /**
   * Mutations of one key from one process take turns: two proposers that refuse each other's ballots would only do the work
   * twice. The list holds those that wait behind the running one.
   */
  readonly #turns = new TransientMap<string, (() => void)[]>();

  constructor(context: ClusterContext, ticker: Ticker) {
    this.#context = context;
    this.#ticker = ticker;
  }

  read(key: RecordKey): Promise<StoredRecord | undefined> {
    return this.readState(key);
  }

  /** The same with what the record counts for. */
  async readState(key: RecordKey): Promise<AcceptedState | undefined> {
    const outcome = await runReading(this.#context, this.#ticker, key);
    if (outcome !== 'settle') return outcome.state?.live === true ? outcome.state : undefined;
    return runMutation<AcceptedState | undefined>(this.#context, this.#ticker, key, (current) => ({
      action: 'keep',
      result: current,
    }));
  }

  async mutate<Result>(
    key: RecordKey,
    decide: (current: StoredRecord | undefined, ballot: Ballot) => Decision<Result>,
  ): Promise<Result> {
    const name = key.toString('latin1');
    const waiting = this.#turns.get(name);
    if (waiting === undefined) {
      this.#turns.set(name, []);
    } else {
      if (waiting.length >= WAITING_MAX) throw new HoldfastError('overloaded', 'too many writes to one key');
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await runMutation(this.#context, this.#ticker, key, decide);
    } finally {
      const next = this.#turns.get(name)?.shift();
      if (next === undefined) this.#turns.delete(name);
      else next();
    }
  }
}
