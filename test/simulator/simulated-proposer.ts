/**
 * One proposer's process: a ballot clock of its own, a table of requests by stream, and several operations at a time. A crash ends
 * its operations without a word; the process that follows it is another writer.
 */
import { BallotClock } from '#common/ballot.ts';
import { HoldfastError } from '#common/errors.ts';
import { FrameReader } from '#storage-node/protocol/frame-reader.ts';
import type { EncodedMessage } from '#storage-node/protocol/messages/message.ts';
import { type NodeReply, decodeReply } from '#storage-node/protocol/node-reply.ts';
import type { Dice } from './dice.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { type SimulatedReplica, sealed } from './simulated-replica.ts';
import type { Trace } from './trace.ts';

const WRITERS = 2 ** 48;

export interface ProposerContext {
  readonly name: string;
  readonly replicas: readonly SimulatedReplica[];
  readonly network: SimulatedNetwork;
  readonly dice: Dice;
  readonly clock: SimulatedClock;
  readonly trace: Trace;
}

/** What a process runs, and loses when it dies. */
export interface Abandonable {
  abandon(): void;
}

type ReplyHandler = (member: number, reply: NodeReply) => void;

export class SimulatedProposer {
  readonly name: string;
  readonly clock: SimulatedClock;
  ballots: BallotClock;
  readonly running = new Set<Abandonable>();
  readonly #context: ProposerContext;
  readonly #requests = new Map<number, ReplyHandler>();
  #nextStream = 1;

  constructor(context: ProposerContext) {
    this.name = context.name;
    this.clock = context.clock;
    this.#context = context;
    this.ballots = this.#newBallots();
  }

  crash(): void {
    this.#requests.clear();
    this.ballots = this.#newBallots();
    for (const operation of [...this.running]) operation.abandon();
  }

  /** Asks one member; `answered` may be called several times, as messages are repeated, or never. */
  request(member: number, message: EncodedMessage, answered: ReplyHandler): void {
    const { network, replicas } = this.#context;
    const replica = replicas[member];
    if (replica === undefined) throw new RangeError(`no member ${member}`);
    const stream = this.#nextStream;
    this.#nextStream += 1;
    this.#requests.set(stream, answered);
    const frame = sealed(message, member, stream);
    const fail = (): void => {
      const error = new HoldfastError('peer-unavailable');
      this.#requests.get(stream)?.(member, { type: 'failed', error });
    };
    network.carry(
      this.name,
      replica.name,
      () => {
        if (replica.isUp) replica.receive(frame, (bytes) => this.#carryBack(replica, bytes));
        else if (this.#context.dice.chance(0.5)) fail();
      },
      fail,
    );
  }

  #carryBack(replica: SimulatedReplica, bytes: Buffer): void {
    this.#context.network.carry(replica.name, this.name, () => this.#receive(replica, bytes));
  }

  #receive(replica: SimulatedReplica, bytes: Buffer): void {
    const reader = new FrameReader({
      frame: (type, stream, member, payload) => {
        const reply = decodeReply(type, payload);
        this.#context.trace(() => `${replica.name} → ${this.name}: ${describeReply(reply)}`);
        this.#requests.get(stream)?.(member, reply);
      },
      takeBuffer: (length) => Buffer.alloc(length),
    });
    reader.push(bytes);
  }

  #newBallots(): BallotClock {
    return new BallotClock(this.#context.dice.below(WRITERS), () => this.clock.nowMs());
  }
}

function describeReply(reply: NodeReply): string {
  switch (reply.type) {
    case 'promised':
    case 'state':
      return `${reply.type} ${describeBallot(reply.state?.ballot)}`;
    case 'ballot':
      return `ballot ${describeBallot(reply.ballot)}`;
    case 'refused':
      return `refused, above ${reply.clock}`;
    case 'failed':
      return `failed ${reply.error.code}`;
    default:
      return reply.type;
  }
}

export function describeBallot(
  ballot: { readonly clock: number; readonly writer: number } | undefined,
): string {
  return ballot === undefined ? 'nothing' : `${ballot.clock}/${ballot.writer.toString(36)}`;
}
