/** boto3, as Debian ships it: conditional writes, multipart uploads, listings, presigned URLs. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

describe('boto3', () => {
  let cluster: RunningCluster;
  before(async () => {
    cluster = await RunningCluster.start(1200);
  });
  after(() => cluster[Symbol.asyncDispose]());

  test('forty clients race If-None-Match: * for one key, and one wins', async () => {
    // Debian's boto3 has no IfNoneMatch argument for put_object: the header is added before signing.
    const { stdout } = await cluster.python(`
from concurrent.futures import ThreadPoolExecutor
s3.create_bucket(Bucket='race')
s3.meta.events.register('before-sign.s3.PutObject', lambda request, **kw: request.headers.add_header('If-None-Match', '*'))
def attempt(n):
    try:
        s3.put_object(Bucket='race', Key='prize', Body=str(n).encode())
        return (n, 'won')
    except ClientError as e:
        return (n, e.response['Error']['Code'])
with ThreadPoolExecutor(40) as pool:
    results = list(pool.map(attempt, range(40)))
winners = [n for n, r in results if r == 'won']
others = {r for n, r in results if r != 'won'}
body = s3.get_object(Bucket='race', Key='prize')['Body'].read().decode()
print(len(winners), sorted(others), body == str(winners[0]))
`);
    assert.equal(stdout.trim(), "1 ['PreconditionFailed'] True");
  });

  test('uploads in parts, lists them, completes, and reads a range over their border', async () => {
    const { stdout } = await cluster.python(`
import hashlib
s3.create_bucket(Bucket='parts')
up = s3.create_multipart_upload(Bucket='parts', Key='film', ContentType='video/mp4', Metadata={'reel': '7'})['UploadId']
bodies = [bytes([n]) * (5 << 20) for n in (1, 2)] + [b'tail']
etags = [s3.upload_part(Bucket='parts', Key='film', UploadId=up, PartNumber=n + 1, Body=b)['ETag'] for n, b in enumerate(bodies)]
listed = s3.list_parts(Bucket='parts', Key='film', UploadId=up)['Parts']
assert [p['Size'] for p in listed] == [len(b) for b in bodies], listed
assert [u['Key'] for u in s3.list_multipart_uploads(Bucket='parts')['Uploads']] == ['film']
done = s3.complete_multipart_upload(Bucket='parts', Key='film', UploadId=up, MultipartUpload={'Parts': [{'PartNumber': n + 1, 'ETag': e} for n, e in enumerate(etags)]})
expected = hashlib.md5(b''.join(hashlib.md5(b).digest() for b in bodies)).hexdigest() + '-3'
assert done['ETag'] == '"%s"' % expected, done
head = s3.head_object(Bucket='parts', Key='film')
assert head['ContentLength'] == (10 << 20) + 4 and head['Metadata'] == {'reel': '7'} and head['ContentType'] == 'video/mp4', head
border = (5 << 20)
got = s3.get_object(Bucket='parts', Key='film', Range='bytes=%d-%d' % (border - 2, border + 1))['Body'].read()
assert got == b'\\x01\\x01\\x02\\x02', got
assert 'Uploads' not in s3.list_multipart_uploads(Bucket='parts')
print('whole')
`);
    assert.equal(stdout.trim(), 'whole');
  });

  test('lists three thousand names in pages and folds them at a delimiter', async () => {
    const { stdout } = await cluster.python(`
from concurrent.futures import ThreadPoolExecutor
s3.create_bucket(Bucket='many')
names = ['d%02d/n%04d' % (n % 30, n) for n in range(3000)]
with ThreadPoolExecutor(32) as pool:
    list(pool.map(lambda name: s3.put_object(Bucket='many', Key=name, Body=name.encode()), names))
seen = [o['Key'] for page in s3.get_paginator('list_objects_v2').paginate(Bucket='many') for o in page['Contents']]
assert seen == sorted(names), len(seen)
seen = [o['Key'] for page in s3.get_paginator('list_objects').paginate(Bucket='many', PaginationConfig={'PageSize': 77}) for o in page['Contents']]
assert seen == sorted(names), len(seen)
folded = [p['Prefix'] for page in s3.get_paginator('list_objects_v2').paginate(Bucket='many', Delimiter='/', PaginationConfig={'PageSize': 7}) for p in page['CommonPrefixes']]
assert folded == ['d%02d/' % n for n in range(30)], folded
with ThreadPoolExecutor(4) as pool:
    results = list(pool.map(lambda at: s3.delete_objects(Bucket='many', Delete={'Objects': [{'Key': n} for n in names[at:at + 1000]], 'Quiet': True}), range(0, 3000, 1000)))
assert all('Errors' not in r for r in results), results
assert s3.list_objects_v2(Bucket='many')['KeyCount'] == 0
s3.delete_bucket(Bucket='many')
print('listed')
`);
    assert.equal(stdout.trim(), 'listed');
  });

  test('gives out a presigned URL that curl reads, and refuses it without its signature', async () => {
    const { stdout } = await cluster.python(`
s3.create_bucket(Bucket='shared')
s3.put_object(Bucket='shared', Key='clip', Body=b'hello')
print(s3.generate_presigned_url('get_object', Params={'Bucket': 'shared', 'Key': 'clip'}, ExpiresIn=60))
`);
    const url = stdout.trim();
    assert.equal((await cluster.run('curl', ['-sf', url])).stdout, 'hello');
    const bare = await cluster.run('curl', ['-s', url.replace(/\?.*$/, '')]);
    assert.match(bare.stdout, /<Code>AccessDenied<\/Code>/);
  });
});
