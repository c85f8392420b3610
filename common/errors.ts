/**
 * The registry of the errors that cross a module's border. A code is stable: it is what the wire, the log and the
 * tests know. The edges (S3, the command line) map a code to their protocol's own form; nothing between logs it.
 */
export const errorCodes = {
  /** A majority of a key's replicas did not answer in time. The operation may or may not take effect later. */
  'quorum-unavailable': 'too few replicas answered',
  /** The operation's id has left the register's history: whether it was applied cannot be told (design: registers). */
  'outcome-unknown': 'the outcome of the operation cannot be determined',
  /** The peer closed, refused, or did not answer within the deadline. */
  'peer-unavailable': 'the storage node cannot be reached',
  /** A frame, a message or a length broke the protocol's grammar. The connection is closed. */
  'protocol-violation': 'the peer broke the protocol',
  /** The other side's cluster key differs, or it spoke before it proved its own. */
  'peer-unauthenticated': 'the peer did not prove that it belongs to this cluster',
  /** The request was routed by an older ring than the device has. */
  'ring-outdated': 'the ring has changed',
  /** No such device here. */
  'device-unknown': 'no such device on this node',
  /** An I/O error took the device out; it serves nothing until an operator looks at it. */
  'device-failed': 'the device is out of service',
  /** Free space has fallen to the reserve; reads and deletes go on. */
  'device-full': 'the device is full',
  /** A checksum did not match what was read. The bytes are not returned. */
  'data-corrupt': 'stored data failed its checksum',
  'blob-missing': 'no such blob on this device',
  'blob-exists': 'the blob is already on this device',
  /** A queue, a window or a connection limit is reached: the caller should slow down. */
  overloaded: 'a limit is reached',
  /** A ballot lies further ahead of this device's clock than any healthy clock would put it. */
  'clock-skewed': 'the clock of the writer is too far ahead',
  aborted: 'the operation was given up by its caller',
  'invalid-argument': 'the argument is outside of what the interface allows',
  'configuration-invalid': 'the configuration is not valid',
  /** A client's request does not prove who sent it; the error's class carries the protocol's own code. */
  unauthenticated: 'the request is not authentic',
  /** A request's body is not what its headers, signatures or checksums say. */
  'body-refused': 'the body of the request is not acceptable',
  'format-invalid': 'the file is not of the expected format',
  /** A key has as many versions as it can have: some must be deleted before another is written. */
  'versions-exceeded': 'the object has too many versions',
  /** A quota leaves no room; the error's class tells which. */
  'quota-exceeded': 'a quota would be exceeded',
  /** Another process holds the data directory. */
  'data-in-use': 'the data is in use by another process',
  /** What a read or a watch of the control store needs of the past has been compacted: read the present, go on from there. */
  'revision-compacted': 'that revision of the store has been compacted',
  /** The lease has ended, and the keys that were attached to it are gone. */
  'lease-unknown': 'there is no such lease',
  'store-full': 'the control store is full',
  /** The control store did not answer, and nothing has happened; a change that was on its way is `outcome-unknown`. */
  'store-unavailable': 'the control store cannot be reached',
  'resource-exists': 'there is such a resource already',
  'resource-missing': 'there is no such resource',
  /** The resource has an operation under way, and what was asked for does not put an end to it. */
  'operation-running': 'an operation on the resource is not finished',
  /** The operation can be tried again, or followed by another, and not undone. */
  'operation-final': 'the operation cannot be undone',
  /** An operation was not finished by its deadline; its failure says what kept it. */
  'deadline-passed': 'the operation was not finished in time',
  /** What a request makes its own condition does not hold. */
  'condition-failed': 'the condition of the request does not hold',
  /** A server answered with an error status; the error's class carries the protocol's own code. */
  'request-refused': 'the server refused the request',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export class HoldfastError extends Error {
  readonly code: ErrorCode;

  /** @param detail what happened here, in words; the code's own sentence stands when it is left out. */
  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail ?? errorCodes[code], options);
    this.name = 'HoldfastError';
    this.code = code;
  }
}

/** Whether `error` is ours and bears `code`. */
export function hasCode(error: unknown, code: ErrorCode): error is HoldfastError {
  return error instanceof HoldfastError && error.code === code;
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
