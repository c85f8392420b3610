/** Serves membership and the ring to the cluster's processes: docs/formats/membership.md. */
import { status } from '@grpc/grpc-js';
import { hasCode, HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import type { GrpcService } from '../api/grpc-service.ts';
import { loadAttendMethod, membershipProofs } from '../protocol/membership.ts';
import { type AttendCall, Attendance } from './attendance.ts';
import { type ProcessBook, PROCESSES_MAX } from './process-book.ts';
import type { RingPublisher } from './ring-publisher.ts';

/** Streams that have not proved themselves, which anybody can open: of more, the oldest goes. */
const UNPROVEN_MAX = 256;

export interface MembershipServiceOptions {
  readonly clusterKey: Buffer;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly book: ProcessBook;
  /** None where control has no ring. */
  readonly rings: RingPublisher | undefined;
}

export function membershipService(options: MembershipServiceOptions): GrpcService {
  const { clusterKey, ...parts } = options;
  const proofs = membershipProofs(clusterKey);
  const attendances = new Set<Attendance>();
  const attend = (call: AttendCall): void => {
    const unproven = [...attendances].filter(({ isProven }) => !isProven);
    if (attendances.size - unproven.length >= PROCESSES_MAX)
      return void call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many processes' });
    if (unproven.length >= UNPROVEN_MAX)
      unproven[0]?.finish(new HoldfastError('overloaded', 'too many streams that prove nothing'));
    const gone = (): void => {
      attendance.end();
      attendances.delete(attendance);
    };
    const onEnd = (why: HoldfastError | undefined): void => {
      gone();
      if (why === undefined) call.end();
      else call.emit('error', { code: codeOf(why), details: why.message });
    };
    const attendance = new Attendance({ ...parts, call, proofs, onEnd });
    attendances.add(attendance);
    for (const event of ['cancelled', 'error', 'close']) call.on(event, gone);
  };
  return {
    definition: { attend: loadAttendMethod() },
    implementation: { attend },
    end() {
      for (const attendance of attendances) attendance.end();
      attendances.clear();
    },
  };
}

function codeOf(why: HoldfastError): status {
  if (hasCode(why, 'peer-unauthenticated')) return status.UNAUTHENTICATED;
  if (hasCode(why, 'overloaded')) return status.RESOURCE_EXHAUSTED;
  return hasCode(why, 'peer-unavailable') ? status.DEADLINE_EXCEEDED : status.INVALID_ARGUMENT;
}
