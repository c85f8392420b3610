/**
 * The registers of one device, made durable: hands messages to the replica's core and does what it says. Failures are
 * thrown.
 */
import { sameBallot } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { hasCode } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import { Transients } from '#common/transients.ts';
import type { DeviceEngine } from '../engine/device-engine.ts';
import type { AcceptedState } from '../protocol/accepted-state.ts';
import type { Accept, Accepted, Refused } from '../protocol/messages/accept.ts';
import type { Learn } from '../protocol/messages/learn.ts';
import type { Prepare, Promised } from '../protocol/messages/prepare.ts';
import type { BallotAnswer, Read, StateAnswer } from '../protocol/messages/read.ts';
import type { Purge } from '../protocol/messages/purge.ts';
import type { Repair } from '../protocol/messages/repair.ts';
import { RegisterReplica, type ReplicaAction } from '../register/replica.ts';

const ACCEPTED: Accepted = { type: 'accepted' };

export type RegisterReply = Promised | Accepted | Refused | StateAnswer | BallotAnswer;

interface Appending {
  readonly state: AcceptedState;
  readonly durable: Promise<void>;
}

export class RegisterService {
  readonly #engine: DeviceEngine;
  readonly #replica: RegisterReplica;
  /** Appends under way, for those that repeat them. */
  readonly #appends = new Transients<Appending>();
  /** Promises that wait for a ceiling or an append. */
  readonly #waiting = new Transients<Promise<RegisterReply>>();
  #raising: Promise<void> | undefined;

  constructor(engine: DeviceEngine, clock: Clock) {
    this.#engine = engine;
    this.#replica = new RegisterReplica({
      floor: engine.floor,
      accepted: (key) => engine.readRecord(key),
      // The index alone tells it: a record that cannot be read any more can still be replaced.
      acceptedBallot: (key) => engine.readRow(key)?.ballot,
      nowMs: () => clock.nowMs(),
    });
  }

  prepare(message: Prepare): RegisterReply | Promise<RegisterReply> {
    this.#raiseAhead();
    const action = this.#replica.prepare(message.key, message.ballot);
    if (action.type === 'raise') return this.#prepareAfter(this.#raise(action.ceiling), message);
    if (action.type === 'await') return this.#prepareAfter(this.#appended(action.state), message);
    return this.#immediate(action);
  }

  accept(message: Accept): RegisterReply | Promise<RegisterReply> {
    const action = this.#replica.accept(message.key, message.state);
    return this.#follow(message, action);
  }

  /** Takes a state that has been decided. */
  learn(message: Learn): RegisterReply | Promise<RegisterReply> {
    return this.#follow(message, this.#replica.learn(message.key, message.state));
  }

  /** Takes a state that has been decided in place of what this device has, when that is older or cannot be read. */
  repair(message: Repair): RegisterReply | Promise<RegisterReply> {
    const { key, state } = message;
    return this.#follow(message, this.#replica.repair(key, state, this.#isDamaged(key)));
  }

  #isDamaged(key: RecordKey): boolean {
    try {
      this.#engine.readRecord(key);
      return false;
    } catch (error) {
      if (!hasCode(error, 'data-corrupt')) throw error;
      return true;
    }
  }

  /**
   * Resolves when all that was begun before is durable, or has failed; to a clock that no promise given before lies above. Whoever
   * calls it has seen to it that nothing of the epoch before is begun any more.
   */
  async settled(): Promise<number> {
    const appends = Array.from(this.#appends, ({ durable }) => durable);
    await Promise.allSettled([...appends, ...this.#waiting]);
    return this.#replica.bound;
  }

  /** Takes nothing at or below the clock any more, also after a restart. */
  async takeFloor(clock: number): Promise<void> {
    const ballot = { clock, writer: 0 };
    for (;;) {
      const ceiling = this.#replica.ceilingFor(ballot);
      if (ceiling === undefined) break;
      // Again, when it was a lower one that was on its way.
      await this.#raise(ceiling);
    }
    this.#replica.forget(ballot);
  }

  read(message: Read): RegisterReply {
    if (message.ballotOnly) {
      const row = this.#engine.readRow(message.key);
      return { type: 'ballot', ballot: row?.ballot, live: row?.live ?? false };
    }
    return { type: 'state', state: this.#engine.readRecord(message.key) };
  }

  #follow(message: Accept | Learn | Repair, action: ReplicaAction): RegisterReply | Promise<RegisterReply> {
    if (action.type === 'append') return this.#append(message, action.settle);
    if (action.type === 'await') return this.#appended(action.state).then(() => ACCEPTED);
    return this.#immediate(action);
  }

  #prepareAfter(ready: Promise<void>, message: Prepare): Promise<RegisterReply> {
    const waiting = ready.then(() => this.prepare(message));
    const slot = this.#waiting.add(waiting);
    const end = (): unknown => this.#waiting.remove(slot, waiting);
    waiting.then(end, end);
    return waiting;
  }

  #immediate(action: ReplicaAction): RegisterReply {
    if (action.type !== 'answer') throw new Error(`the replica asks for '${action.type}' out of turn`);
    return action.answer;
  }

  #appended(state: AcceptedState): Promise<void> {
    for (const append of this.#appends) if (append.state === state) return append.durable;
    throw new Error('an append is pending that nobody makes');
  }

  async #append(
    message: Accept | Learn | Repair,
    settle: (durable: boolean) => void,
  ): Promise<RegisterReply> {
    const durable = this.#engine.writeRecord(message.key, message.state);
    const append = { state: message.state, durable };
    const slot = this.#appends.add(append);
    try {
      await durable;
    } catch (error) {
      settle(false);
      throw error;
    } finally {
      this.#appends.remove(slot, append);
    }
    settle(true);
    return ACCEPTED;
  }

  /**
   * Forgets a tombstone that all members hold. What the register knew of ballots below it is then known of all keys: the floor
   * rises to it, after it is below a durable ceiling, which is the floor after a restart.
   */
  async purge({ key, ballot }: Purge): Promise<void> {
    const row = this.#engine.readRow(key);
    if (row === undefined || row.live || !sameBallot(row.ballot, ballot)) return;
    await this.takeFloor(ballot.clock);
    await this.#engine.purgeRecord(key, ballot);
  }

  #raise(ceiling: number): Promise<void> {
    this.#raising ??= this.#engine
      .raiseCeiling(ceiling)
      .then(() => this.#replica.ceilingRaised(ceiling))
      .finally(() => {
        this.#raising = undefined;
      });
    return this.#raising;
  }

  /** Keeps the ceiling ahead of the clock while there is work, so that no promise has to wait for it. */
  #raiseAhead(): void {
    if (this.#raising !== undefined) return;
    const ceiling = this.#replica.ceilingDue();
    // A failure takes the device out; the next append says so.
    if (ceiling !== undefined) this.#raise(ceiling).catch(() => undefined);
  }
}
