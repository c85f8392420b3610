/** Serves the identity feed to the cluster's own processes: docs/formats/identity-feed.md. */
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { HoldfastError } from '#common/errors.ts';
import type { Address } from '#common/io/network.ts';
import type { GrpcService } from '../../api/grpc-service.ts';
import { FeedProof } from '../../protocol/feed-proof.ts';
import { loadFollowMethod } from '../../protocol/identity-feed.ts';
import type { Identity } from '../identity.ts';
import { PROCESS_FRAME_BYTES_MAX } from '../../protocol/membership.ts';
import { FeedSource } from './feed-source.ts';
import { type FollowCall, FeedStream } from './feed-stream.ts';

const FOLLOWERS_MAX = 1024;
/** Of a connection: a process has one of each kind. */
const STREAMS_MAX = 16;
const MESSAGE_BYTES_MAX = PROCESS_FRAME_BYTES_MAX;

export interface FeedServer {
  readonly port: number;
  readonly followers: number;
  close(): Promise<void>;
}

export interface FeedServerOptions {
  readonly identity: Identity;
  readonly clusterKey: Buffer;
  readonly listen: Address;
  /** What is served on the same port. */
  readonly beside?: readonly GrpcService[];
}

/** Throws `configuration-invalid` when the address cannot be taken. */
export async function startFeedServer(options: FeedServerOptions): Promise<FeedServer> {
  const { identity, clusterKey, listen, beside = [] } = options;
  const source = await FeedSource.open(identity);
  const proof = new FeedProof(clusterKey);
  const streams = new Map<FollowCall, FeedStream>();
  const follow = (call: FollowCall): void => {
    const refuse = (code: status, details: string) => call.emit('error', { code, details });
    if (!proof.isRequest(call.request, identity.clock.nowMs()))
      return void refuse(status.UNAUTHENTICATED, 'no proof of the cluster’s key, or of another time');
    if (streams.size >= FOLLOWERS_MAX) return void refuse(status.RESOURCE_EXHAUSTED, 'too many followers');
    const stream = new FeedStream(call, proof, source.state, identity.clock);
    streams.set(call, stream);
    const end = (): void => {
      stream.end();
      streams.delete(call);
    };
    call.on('cancelled', end);
    call.on('error', end);
    call.on('close', end);
  };
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_concurrent_streams': STREAMS_MAX,
  });
  server.addService({ follow: loadFollowMethod() }, { follow });
  for (const { definition, implementation } of beside) server.addService(definition, implementation);
  const port = await bound(server, listen);
  return {
    port,
    get followers() {
      return streams.size;
    },
    async close() {
      for (const stream of streams.values()) stream.end();
      for (const service of beside) service.end();
      // Followers have the rest of the cluster to ask: a stream has no end of its own that could be waited for.
      server.forceShutdown();
      await source.close();
    },
  };
}

function bound(server: Server, { host, port }: Address): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, taken) => {
      if (error === null) resolve(taken);
      else
        reject(
          new HoldfastError('configuration-invalid', `the identity feed: ${error.message}`, { cause: error }),
        );
    });
  });
}
