/** Writes a request's body out, and takes it back when the body turns out not to be what was announced. */
import type { Cluster, Stripe } from '#cluster/cluster.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { BodyDigests, RequestBody } from '#proxy/body/request-body.ts';

export async function drainToStripes(
  cluster: Cluster,
  owner: RecordKey,
  body: RequestBody,
): Promise<{ digests: BodyDigests; stripes: Stripe[] }> {
  const writer = cluster.bodies.write(owner);
  try {
    const digests = await body.drain((chunk) => writer.write(chunk));
    return { digests, stripes: await writer.finish() };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
