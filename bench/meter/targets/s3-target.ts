/** Objects of an S3 bucket. A recording is a multipart upload (Amazon S3 API reference: CreateMultipartUpload and on). */
import { hash } from 'node:crypto';
import { encodeRfc3986 } from '../../load/list-objects.ts';
import { OperationFailure } from '../../load/operation-failure.ts';
import type { RequestParts } from '../../load/request-factory.ts';
import { elementText } from '../../load/response-body.ts';
import { type Answer, header, ObjectStoreTarget, requireAnswer } from './object-store-target.ts';
import type { MediaObject, Recording, TargetTraits } from './target.ts';

/** S3's least size of a part that is not the last. */
const PART_BYTES_MIN = 5 * 2 ** 20;
const PARTS_MAX = 10_000;
const REGION_UNNAMED = 'us-east-1';

export class S3Target extends ObjectStoreTarget {
  override get traits(): TargetTraits {
    return { ...super.traits, appendBytesMin: PART_BYTES_MIN, appendsMax: PARTS_MAX };
  }

  #made = false;

  async prepare(): Promise<void> {
    // A short listing, where a HEAD would do: its refusal says why, and every server frames its body right.
    const found = await this.exchange({ method: 'GET', name: '', query: 'list-type=2&max-keys=1' });
    if (found.head.status !== 404) {
      requireAnswer(found, 200);
      if (found.text.includes('<Key>')) this.requireOurs();
      return;
    }
    const { region } = this.spec;
    const where =
      region === REGION_UNNAMED
        ? ''
        : `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
    requireAnswer(await this.#send({ method: 'PUT', name: '' }, where), 200, 201, 204);
    this.#made = true;
  }

  async record(object: MediaObject): Promise<Recording> {
    const name = this.nameOf(object);
    const begun = requireAnswer(await this.#send({ method: 'POST', name, query: 'uploads=' }, ''), 200);
    const uploadId = elementText(begun.text, 'UploadId');
    if (uploadId === '')
      throw new OperationFailure('protocol-violation', 'response-malformed', 'the answer has no upload id');
    const etags: string[] = [];
    let parts = 0;
    const query = `uploadId=${encodeRfc3986(uploadId)}`;
    return {
      append: async (position, lengthBytes) => {
        const number = ++parts;
        if (number > PARTS_MAX)
          throw new OperationFailure('invalid-argument', 'too-many-parts', `more than ${PARTS_MAX} parts`);
        const part = { method: 'PUT', name, query: `partNumber=${number}&${query}` };
        etags[number - 1] = header(await this.putRange(part, object, position, lengthBytes), 'etag');
      },
      finish: () => this.#complete(name, query, etags),
      abort: async () => {
        await this.exchange({ method: 'DELETE', name, query }).catch(() => undefined);
      },
    };
  }

  async list(prefix: string, limit: number): Promise<number> {
    const query = `list-type=2&max-keys=${Math.min(limit, 1000)}&prefix=${encodeRfc3986(this.spec.prefix + prefix)}`;
    const { text } = requireAnswer(await this.exchange({ method: 'GET', name: '', query }), 200);
    return text.split('<Key>').length - 1;
  }

  async removePlace(): Promise<void> {
    await this.removeOwn(this.#made, 200, 204, 404);
  }

  async #complete(name: string, query: string, etags: readonly string[]): Promise<void> {
    const parts = etags.map(
      (etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
    );
    const text = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`;
    const answer = requireAnswer(await this.#send({ method: 'POST', name, query }, text), 200);
    // S3 may answer 200 at once and report a failure in the body that follows.
    const code = elementText(answer.text, 'Code');
    if (code !== '' && elementText(answer.text, 'ETag') === '')
      throw new OperationFailure('request-refused', `http-200 ${code}`, elementText(answer.text, 'Message'));
  }

  async #send(parts: RequestParts, text: string): Promise<Answer> {
    return await this.exchange({ ...parts, payloadHash: hash('sha256', text, 'hex') }, text);
  }
}
