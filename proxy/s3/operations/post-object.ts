/** PostObject: an upload from a browser's form (Amazon S3 API Reference, "POST Object"). */
import { Readable } from 'node:stream';
import type { IncomingHttpHeaders } from 'node:http';
import { isAnonymous } from '#proxy/access/anonymous.ts';
import { authenticateForm } from '#proxy/auth/form-signature.ts';
import { openRequestBody } from '#proxy/body/open-request-body.ts';
import { EncodedObject } from '#proxy/objects/object-record.ts';
import { objectKey, writeObject } from '#proxy/objects/object-store.ts';
import { receiveBody } from '#proxy/objects/receive-body.ts';
import type { TagSet } from '#proxy/objects/tag-set.ts';
import { newObjectAccess, permitNewAccess } from '../access/new-list.ts';
import type { HeaderOf } from '../access/acl-headers.ts';
import { permit } from '../access/permit.ts';
import { findLease } from '../bucket-of.ts';
import { DEFAULT_CHECKSUM, declaredChecksum } from '../checksums.ts';
import type { S3Context } from '../context.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import { readStoredHeaders, refuseUnsupported } from '../object-headers.ts';
import { answerForm } from '../post-object/answer-form.ts';
import { formHeaders, formTags, keyOfForm } from '../post-object/form-fields.ts';
import { checkForm, type FormPolicy, parseFormPolicy } from '../post-object/form-policy.ts';
import { MultipartForm } from '../post-object/multipart-form.ts';
import type { Operation, S3Request } from '../request.ts';

export const postObject: Operation = async (request, context) => {
  using body = request.openRaw(context);
  const form = new MultipartForm(request.header('content-type') ?? '', () => body.next());
  const received = await form.receiveFields();
  const fields = byName(received.fields);
  const key = keyOfForm(fields, received.file);
  fields.set('key', key);
  fields.set('bucket', request.bucket);
  const policy = checkedPolicy(fields, context);
  authenticate(request, context, fields);
  const headers = formHeaders(fields, received.file);
  refuseUnsupported(headers);
  const lease = await findLease(request, context);
  const tags = formTags(fields);
  const header = headerOf(headers, tags);
  await permit(request, context, lease.bucket, {
    action: 's3:PutObject',
    bucketName: request.bucket,
    key,
    object: async () => undefined,
    header,
  });
  await permitNewAccess(request, context, lease.bucket, { key, header });
  const access = {
    ...newObjectAccess(request, context, lease.bucket, header),
    ...(tags.length === 0 ? undefined : { tags }),
  };
  const file = Readable.from(form.fileChunks(), { objectMode: false });
  const taken = await receiveFile(context, headers, policy, file, objectKey(lease.bucket, key));
  const { md5Hex, lengthBytes, checksums } = taken.digests;
  const sum = declaredChecksum(checksums);
  const checksum = sum === undefined ? undefined : { checksum: { ...sum, type: 'FULL_OBJECT' as const } };
  const metadata = {
    etag: md5Hex,
    sizeBytes: lengthBytes,
    ...readStoredHeaders(headers),
    ...access,
    ...checksum,
  };
  await writeObject(context.cluster, lease, key, new EncodedObject(metadata, taken.body));
  answerForm(request, fields, md5Hex);
};

/** What a form says, as the headers of a PUT would: a policy's conditions are about those. */
function headerOf(headers: IncomingHttpHeaders, tags: TagSet): HeaderOf {
  const tagging =
    tags.length === 0 ? undefined : new URLSearchParams(tags.map(([name, value]) => [name, value]));
  return (name) => {
    if (name === 'x-amz-tagging' && tagging !== undefined) return tagging.toString();
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
}

function byName(fields: readonly (readonly [string, string])[]): Map<string, string> {
  const named = new Map<string, string>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (!named.has(lower)) named.set(lower, value);
  }
  return named;
}

/** A policy is held to whether its signature turns out right or not. */
function checkedPolicy(fields: ReadonlyMap<string, string>, context: S3Context): FormPolicy | undefined {
  const encoded = fields.get('policy');
  if (encoded === undefined) return undefined;
  if (!fields.has('x-amz-signature') && !fields.has('signature')) {
    const message = "Bucket POST must contain a field named 'x-amz-signature', since it has a policy.";
    throw invalidArgument(message, 'x-amz-signature', '');
  }
  const policy = parseFormPolicy(encoded);
  checkForm(policy, fields, context.clock.nowMs());
  return policy;
}

/** Who has signed the form stands for the request from now on. */
function authenticate(request: S3Request, context: S3Context, fields: ReadonlyMap<string, string>): void {
  const signer = authenticateForm(fields, context.credentials, context.authentication);
  if (signer === undefined) return;
  if (!isAnonymous(request.principal)) {
    throw new S3Error('InvalidRequest', 'Only one auth mechanism allowed: the form or its headers.');
  }
  request.principal = signer;
}

async function receiveFile(
  context: S3Context,
  headers: IncomingHttpHeaders,
  policy: FormPolicy | undefined,
  file: Readable,
  owner: ReturnType<typeof objectKey>,
) {
  const { bodies, cluster } = context;
  const { lengthBytes } = policy ?? {};
  const bodyBytesMax = Math.min(bodies.limits.bodyBytesMax, lengthBytes?.max ?? Infinity);
  const limited = { ...bodies, limits: { ...bodies.limits, bodyBytesMax } };
  const body = openRequestBody(
    file,
    { headers, payload: { kind: 'unsigned' }, checksumByDefault: DEFAULT_CHECKSUM },
    limited,
  );
  try {
    const received = await receiveBody(cluster, owner, body);
    if (lengthBytes === undefined || received.digests.lengthBytes >= lengthBytes.min) return received;
    cluster.bodies.release(received.stripes);
  } catch (error) {
    // What went wrong within the form stands for what its file's reader saw of it.
    throw file.errored ?? error;
  } finally {
    file.destroy();
  }
  throw new S3Error('EntityTooSmall');
}
