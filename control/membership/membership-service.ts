/** Serves membership and the ring to the cluster's processes: docs/formats/membership.md. */
import { status } from '@grpc/grpc-js';
import { hasCode, type HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import type { Randomness } from '#common/io/randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import type { GrpcService } from '../api/grpc-service.ts';
import { loadAttendMethod, membershipProofs } from '../protocol/membership.ts';
import { type AttendCall, Attendance } from './attendance.ts';
import { type ProcessBook, PROCESSES_MAX } from './process-book.ts';
import type { RingPublisher } from './ring-publisher.ts';

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
    if (attendances.size >= PROCESSES_MAX)
      return void call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many processes' });
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
  return hasCode(why, 'peer-unavailable') ? status.DEADLINE_EXCEEDED : status.INVALID_ARGUMENT;
}
