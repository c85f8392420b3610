/** Takes in a request's body as an object's or a part's, and gives it back when it is not what was announced. */
import type { BodyWriter, Cluster, Stripe } from '#cluster/cluster.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { BodyDigests, RequestBody } from '#proxy/body/request-body.ts';
import { storeLayout } from './object-body.ts';
import { INLINE_BYTES_MAX, type ObjectBody } from './object-record.ts';

export interface ReceivedBody {
  readonly digests: BodyDigests;
  readonly body: ObjectBody;
  /** All that the body occupies, a manifest's too: to be released when no record comes to refer to it. */
  readonly stripes: readonly Stripe[];
}

/** @param owner the key of the object that the body is for. */
export async function receiveBody(
  cluster: Cluster,
  owner: RecordKey,
  body: RequestBody,
): Promise<ReceivedBody> {
  const { declaredLength } = body;
  if (declaredLength !== undefined && declaredLength <= INLINE_BYTES_MAX) {
    const { bytes, digests } = await body.collect(INLINE_BYTES_MAX);
    return { digests, body: { form: 'inline', bytes }, stripes: [] };
  }
  if (declaredLength === undefined) return receiveUndeclared(cluster, owner, body);
  const { digests, stripes } = await drainToStripes(cluster, owner, body);
  return { digests, ...(await laidOut(cluster, owner, stripes)) };
}

export async function drainToStripes(
  cluster: Cluster,
  owner: RecordKey,
  body: RequestBody,
): Promise<{ digests: BodyDigests; stripes: Stripe[] }> {
  const writer = cluster.bodies.write(owner);
  try {
    const digests = await body.drain((chunk) => writer.write(chunk), { overlapping: true });
    return { digests, stripes: await writer.finish() };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** A body in HTTP's own chunks may end any time: what would fit into the record is held back until more comes. */
async function receiveUndeclared(
  cluster: Cluster,
  owner: RecordKey,
  body: RequestBody,
): Promise<ReceivedBody> {
  const held: Buffer[] = [];
  let heldBytes = 0;
  let writer: BodyWriter | undefined;
  try {
    const digests = await body.drain(async (chunk) => {
      if (writer === undefined && heldBytes + chunk.length <= INLINE_BYTES_MAX) {
        // The chunk's memory is the sender's: what is kept beyond this call is a copy.
        held.push(Buffer.from(chunk));
        heldBytes += chunk.length;
        return;
      }
      if (writer === undefined) {
        writer = cluster.bodies.write(owner);
        if (heldBytes > 0) await writer.write(Buffer.concat(held.splice(0)));
      }
      await writer.write(chunk);
    });
    if (writer === undefined)
      return { digests, body: { form: 'inline', bytes: Buffer.concat(held) }, stripes: [] };
    return { digests, ...(await laidOut(cluster, owner, await writer.finish())) };
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}

async function laidOut(
  cluster: Cluster,
  owner: RecordKey,
  stripes: readonly Stripe[],
): Promise<Pick<ReceivedBody, 'body' | 'stripes'>> {
  const body = await storeLayout(cluster, owner, { stripes, parts: [] });
  return { body, stripes: body.form === 'manifest' ? [...stripes, ...body.manifest] : stripes };
}
