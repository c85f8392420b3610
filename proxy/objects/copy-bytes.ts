/** Copies of bodies: the bytes go through here, and into stripes of their own. */
import type { BodyWriter, Cluster, Stripe } from '#cluster/cluster.ts';
import { type DigestAlgorithm, Digester, type DigestValues } from '#proxy/body/digester.ts';
import type { ByteRange } from '#proxy/http/byte-range.ts';
import { readLayout } from './object-body.ts';
import type { ObjectRecord } from './object-record.ts';

/** Copies a range of an object's bytes into new stripes, with the digests that were asked for. */
export async function copyBytes(
  cluster: Cluster,
  source: ObjectRecord,
  range: ByteRange,
  writer: BodyWriter,
  algorithms: readonly DigestAlgorithm[],
): Promise<{ stripes: Stripe[]; digests: DigestValues }> {
  const digester = new Digester(algorithms);
  const take = (chunk: Buffer) => {
    digester.update(chunk);
    return writer.write(chunk);
  };
  try {
    if (source.body.form === 'inline') {
      await take(source.body.bytes.subarray(range.start, range.end));
    } else {
      const { stripes } = await readLayout(cluster.bodies, source);
      await cluster.bodies.read(stripes, range.start, range.end, take);
    }
    return { stripes: await writer.finish(), digests: digester.digest() };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
