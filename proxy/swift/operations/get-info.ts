/** GET /info: what this cluster can do (Object Storage API reference, "Discoverability"). */
import { SEGMENTS_MAX } from '#proxy/large-objects/list-segments.ts';
import { bulkLimits } from '../bulk/bulk-limits.ts';
import { manifestLimits } from '../large-objects/manifest-input.ts';
import { POLICY_NAME, swiftLimits } from '../limits.ts';
import { temporaryDigests } from '../temp-url/signature.ts';
import { temporaryMethods } from '../temp-url/temporary-url.ts';
import type { Operation } from '../request.ts';

/** The release of OpenStack Swift whose API this door follows. */
const SWIFT_VERSION = '2.30.1';

const info = {
  swift: {
    version: SWIFT_VERSION,
    ...swiftLimits,
    strict_cors_mode: true,
    allow_account_management: false,
    account_autocreate: true,
    policies: [{ name: POLICY_NAME, default: true, aliases: POLICY_NAME }],
  },
  tempauth: { account_acls: true },
  container_quotas: {},
  tempurl: {
    methods: temporaryMethods,
    incoming_remove_headers: [],
    incoming_allow_headers: [],
    outgoing_remove_headers: ['x-object-meta-*'],
    outgoing_allow_headers: ['x-object-meta-public-*'],
    allowed_digests: temporaryDigests,
  },
  account_quotas: {},
  bulk_upload: {
    max_containers_per_extraction: bulkLimits.containersMax,
    max_failed_extractions: bulkLimits.uploadFailuresMax,
  },
  bulk_delete: {
    max_deletes_per_request: bulkLimits.deletesMax,
    max_failed_deletes: bulkLimits.deleteFailuresMax,
  },
  dlo: { max_segments: SEGMENTS_MAX },
  slo: {
    max_manifest_segments: manifestLimits.segmentsMax,
    max_manifest_size: manifestLimits.manifestBytesMax,
    yield_frequency: 10,
    min_segment_size: 1,
    allow_async_delete: false,
  },
};

/** It is nobody's secret: the page of any origin may read it. */
export const getInfo: Operation = (request) => {
  const origin = request.header('origin');
  const headers =
    origin === undefined
      ? []
      : ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', 'x-trans-id'];
  request.reply.body(200, 'application/json; charset=UTF-8', JSON.stringify(info), headers);
  return Promise.resolve();
};
