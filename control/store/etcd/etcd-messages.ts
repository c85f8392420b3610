/**
 * etcd's messages as proto-loader gives and takes them: 64-bit integers as decimal text, bytes as Buffers, enums as their
 * names. Fields are named as in etcd.proto.
 */
import { fileURLToPath } from 'node:url';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';

/** A revision, a count or a lease. */
export type Int64 = string;

export interface Header {
  readonly revision: Int64;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly create_revision: Int64;
  readonly mod_revision: Int64;
  readonly version: Int64;
  readonly value: Buffer;
  readonly lease: Int64;
}

export interface WireRange {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly limit?: number;
  readonly revision?: number;
}

export interface WireRangeResponse {
  readonly header: Header | null;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

export type RequestOp =
  | { readonly request_range: WireRange }
  | { readonly request_put: { readonly key: Buffer; readonly value: Buffer; readonly lease: Int64 } }
  | { readonly request_delete_range: WireRange };

export interface ResponseOp {
  readonly response_range?: WireRangeResponse;
  readonly response_put?: object;
  readonly response_delete_range?: { readonly deleted: Int64 };
}

export interface WireCompare {
  readonly result: 'EQUAL' | 'GREATER' | 'LESS' | 'NOT_EQUAL';
  readonly target: 'VERSION' | 'CREATE' | 'MOD' | 'VALUE';
  readonly key: Buffer;
  readonly version?: number;
  readonly create_revision?: number;
  readonly mod_revision?: number;
  readonly value?: Buffer;
}

export interface WireTransaction {
  readonly compare: readonly WireCompare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface WireTransactionResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface WireWatchRequest {
  readonly create_request: WireRange & {
    readonly start_revision: number;
    readonly progress_notify: boolean;
  };
}

export interface WireWatchResponse {
  readonly header: Header;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: Int64;
  readonly cancel_reason: string;
  readonly events: readonly { readonly type: 'PUT' | 'DELETE'; readonly kv: KeyValue }[];
}

/** A call's path, and how its messages are written and read. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (message: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

export interface EtcdMethods {
  readonly range: Method<WireRange, WireRangeResponse>;
  readonly transaction: Method<WireTransaction, WireTransactionResponse>;
  readonly compact: Method<{ readonly revision: number }, object>;
  readonly watch: Method<WireWatchRequest, WireWatchResponse>;
  readonly leaseGrant: Method<
    { readonly TTL: number },
    { readonly ID: Int64; readonly TTL: Int64; readonly error: string }
  >;
  readonly leaseRevoke: Method<{ readonly ID: Int64 }, object>;
  readonly leaseKeepAlive: Method<{ readonly ID: Int64 }, { readonly TTL: Int64 }>;
  readonly authenticate: Method<
    { readonly name: string; readonly password: string },
    { readonly token: string }
  >;
}

/** Reads etcd.proto, which stands beside this file. */
export function loadEtcdMethods(): EtcdMethods {
  const definition = loadSync(fileURLToPath(new URL('etcd.proto', import.meta.url)), {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const method = <Request, Response>(service: string, name: string): Method<Request, Response> => {
    const found = (definition[`etcdserverpb.${service}`] as Record<string, unknown> | undefined)?.[name];
    if (found === undefined) throw new Error(`etcd.proto has no ${service}.${name}`);
    // What the names in etcd.proto and the types above promise each other, nobody checks but the tests.
    return found as MethodDefinition<object, object> as unknown as Method<Request, Response>;
  };
  return {
    range: method('KV', 'Range'),
    transaction: method('KV', 'Txn'),
    compact: method('KV', 'Compact'),
    watch: method('Watch', 'Watch'),
    leaseGrant: method('Lease', 'LeaseGrant'),
    leaseRevoke: method('Lease', 'LeaseRevoke'),
    leaseKeepAlive: method('Lease', 'LeaseKeepAlive'),
    authenticate: method('Auth', 'Authenticate'),
  };
}
