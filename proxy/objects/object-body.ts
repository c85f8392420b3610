/** The body behind an object's record: its layout, its release, and the manifest of one that has many stripes. */
import type { Bodies, Cluster, Stripe } from '#cluster/cluster.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import { HoldfastError } from '#common/errors.ts';
import { type BodyLayout, decodeLayout, encodeLayout, stripesLength } from './body-layout.ts';
import { LAYOUT_BYTES_MAX, type ObjectBody, type ObjectRecord } from './object-record.ts';

const MANIFEST_BYTES_MAX = 64 * 1024 * 1024;

/** The layout of a body that is in stripes; an inline body has none, and no parts. */
export async function readLayout(bodies: Bodies, record: ObjectRecord): Promise<BodyLayout> {
  const { body, metadata } = record;
  if (body.form === 'inline') return { stripes: [], parts: [] };
  if (body.form === 'stripes') return body.layout;
  return decodeLayout(await readManifest(bodies, body.manifest), metadata.sizeBytes);
}

async function readManifest(bodies: Bodies, manifest: readonly Stripe[]): Promise<Buffer> {
  const lengthBytes = stripesLength(manifest);
  if (lengthBytes > MANIFEST_BYTES_MAX) throw new HoldfastError('format-invalid', 'a manifest over 64 MiB');
  const bytes = Buffer.allocUnsafe(lengthBytes);
  let at = 0;
  await bodies.read(manifest, 0, lengthBytes, async (chunk) => {
    bytes.set(chunk, at);
    at += chunk.length;
  });
  return bytes;
}

/** A layout as a record holds it: itself, or written out as a manifest when it is long. */
export async function storeLayout(
  cluster: Cluster,
  owner: RecordKey,
  layout: BodyLayout,
): Promise<ObjectBody> {
  const encoded = encodeLayout(layout);
  if (encoded.length <= LAYOUT_BYTES_MAX) return { form: 'stripes', layout };
  if (encoded.length > MANIFEST_BYTES_MAX)
    throw new HoldfastError('invalid-argument', 'a body of too many stripes');
  const writer = cluster.bodies.write(owner);
  try {
    await writer.write(encoded);
    return { form: 'manifest', manifest: await writer.finish() };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Gives back the stripes of a body that no record refers to any more. */
export async function releaseBody(bodies: Bodies, record: ObjectRecord): Promise<void> {
  const { body } = record;
  if (body.form === 'inline') return;
  if (body.form === 'stripes') return bodies.release(body.layout.stripes);
  const layout = await readLayout(bodies, record);
  bodies.release(layout.stripes);
  bodies.release(body.manifest);
}
