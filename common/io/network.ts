/** The network seam: ordered byte streams between addresses. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionEvents {
  /** The bytes are the transport's own and are recycled when the call returns: keep a copy, never the buffer. */
  data(chunk: Buffer): void;
  /** Called once, whoever closed and for whatever reason; nothing follows. */
  closed(error?: Error): void;
}

export interface Connection {
  readonly remote: string;
  /** Bytes handed to `write` and not yet taken by the system. */
  readonly queuedBytes: number;
  /** Must be called once, before the first byte can arrive. */
  listen(events: ConnectionEvents): void;
  /**
   * Queues `chunks`, in order. `taken` is called when the system has them and their memory may be used again, or when
   * the connection has closed and they never will be.
   */
  write(chunks: readonly Uint8Array[], taken?: () => void): void;
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(error?: Error): void;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting, then closes what is open. */
  close(): Promise<void>;
}

export interface Network {
  connect(to: Address, timeoutMs: number): Promise<Connection>;
  listen(at: Address, accept: (connection: Connection) => void): Promise<Listener>;
}
