/** A body made of bytes that are read from elsewhere. */
import type { BodyWriter, Cluster, Stripe } from '#cluster/cluster.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { Digester } from '#proxy/body/digester.ts';
import type { ByteRange } from '#proxy/http/byte-range.ts';
import type { BodySource } from './body-source.ts';
import { storeLayout } from './object-body.ts';
import { INLINE_BYTES_MAX, type ObjectBody } from './object-record.ts';

export interface CopiedBody {
  readonly body: ObjectBody;
  /** All that the body occupies, a manifest's too: to be released when no record comes to refer to it. */
  readonly stripes: readonly Stripe[];
  readonly md5Hex: string;
}

/** @param owner the key of the object that the body is for. */
export async function copyBody(
  cluster: Cluster,
  owner: RecordKey,
  source: BodySource,
  { start, end }: ByteRange,
): Promise<CopiedBody> {
  const md5 = new Digester(['md5']);
  if (end - start <= INLINE_BYTES_MAX) {
    const pieces: Buffer[] = [];
    await source.read(start, end, async (chunk) => void pieces.push(Buffer.from(chunk)));
    const bytes = Buffer.concat(pieces);
    md5.update(bytes);
    return { body: { form: 'inline', bytes }, stripes: [], md5Hex: md5.digest().md5 ?? '' };
  }
  const stripes = await writeAll(cluster.bodies.write(owner), async (writer) => {
    await source.read(start, end, (chunk) => {
      md5.update(chunk);
      return writer.write(chunk);
    });
  });
  const body = await storeLayout(cluster, owner, { stripes, parts: [] });
  const manifest = body.form === 'manifest' ? body.manifest : [];
  return { body, stripes: [...stripes, ...manifest], md5Hex: md5.digest().md5 ?? '' };
}

async function writeAll(writer: BodyWriter, write: (writer: BodyWriter) => Promise<void>): Promise<Stripe[]> {
  try {
    await write(writer);
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
