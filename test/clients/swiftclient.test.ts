/** python-swiftclient, the swift program and rclone's swift backend work on the same objects as the AWS client. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

let cluster: RunningCluster;
const file = (name: string) => join(cluster.folder, name);
const swift = async (...args: string[]) => (await cluster.run('swift', args)).stdout;

before(async () => {
  cluster = await RunningCluster.start(1900);
  // From the environment, rclone would take the OS_* variables.
  const { ST_AUTH: auth, ST_USER: user, ST_KEY: key } = cluster.env;
  const remote = ['[hold]', 'type = swift', `auth = ${auth}`, `user = ${user}`, `key = ${key}`, ''];
  await writeFile(file('rclone.conf'), remote.join('\n'));
});
after(() => cluster[Symbol.asyncDispose]());

test('swift uploads, lists, describes, downloads and deletes with what admin.env says', async () => {
  await writeFile(file('song.txt'), 'la la la');
  assert.match(await swift('upload', 'music', 'song.txt', '-H', 'X-Object-Meta-Mood: merry'), /song\.txt/);
  assert.equal(await swift('list', 'music'), 'song.txt\n');
  const described = await swift('stat', 'music', 'song.txt');
  assert.match(described, /Content Length: 8\n/);
  assert.match(described, /Meta Mood: merry\n/);
  await swift('download', 'music', 'song.txt', '-o', 'back.txt');
  assert.equal(await readFile(file('back.txt'), 'utf8'), 'la la la');
  assert.match(await swift('stat', 'music'), /Objects: 1\n\s*Bytes: 8\n/);
  assert.match(await swift('stat'), /Containers: 1\n\s*Objects: 1\n\s*Bytes: 8\n/);
  await swift('delete', 'music', 'song.txt');
  assert.equal(await swift('list', 'music'), '');
  await swift('delete', 'music');
  assert.equal(await swift('list'), '');
});

test('a file in segments comes back as one, through either door', async () => {
  await writeFile(file('film.mov'), randomBytes(3_000_000));
  await swift('upload', '--segment-size', '1000000', 'films', 'film.mov');
  await swift(
    'upload',
    '--use-slo',
    '--segment-size',
    '1000000',
    '--object-name',
    'static.mov',
    'films',
    'film.mov',
  );
  const original = await readFile(file('film.mov'));
  for (const name of ['film.mov', 'static.mov']) {
    await swift('download', 'films', name, '-o', 'whole.mov');
    assert.ok(original.equals(await readFile(file('whole.mov'))), name);
    await cluster.aws('s3', 'cp', `s3://films/${name}`, 'through-s3.mov');
    assert.ok(original.equals(await readFile(file('through-s3.mov'))), `${name} through S3`);
  }
});

test('what one door stores, the other shows: content type, metadata, ETag and size', async () => {
  await writeFile(file('page.html'), '<p>here</p>');
  await cluster.aws('s3', 'mb', 's3://shared');
  await cluster.aws('s3', 'cp', 'page.html', 's3://shared/page.html', '--metadata', 'author=ada');
  const described = await swift('stat', 'shared', 'page.html');
  assert.match(described, /Content Type: text\/html\n/);
  assert.match(described, /Meta Author: ada\n/);
  await swift(
    'upload',
    'shared',
    'page.html',
    '--object-name',
    'other.html',
    '-H',
    'X-Object-Meta-Author: bob',
  );
  const head = await cluster.aws('s3api', 'head-object', '--bucket', 'shared', '--key', 'other.html');
  interface Head {
    readonly Metadata: Readonly<Record<string, string>>;
    readonly ContentLength: number;
    readonly ETag: string;
  }
  const { Metadata, ContentLength, ETag } = JSON.parse(head.stdout) as Head;
  assert.deepEqual([Metadata['author'], ContentLength], ['bob', 11]);
  assert.ok(described.includes(`ETag: ${ETag.replaceAll('"', '')}\n`));
});

test('a member does what access lists give it, with keys that were chosen for it', async () => {
  const launcher = [
    'user',
    'add',
    'mia',
    '--account',
    'admin',
    '--role',
    'member',
    '--data',
    cluster.dataDirectory,
  ];
  const keys = ['--access-key', 'admin:mia', '--secret-key', 'mias-own-secret'];
  await cluster.holdfast(...launcher, ...keys);
  await cluster.python(`
import swiftclient, time
auth = os.environ['ST_AUTH']
def connection(user, key):
    return swiftclient.Connection(authurl=auth, user=user, key=key, retries=5)
owner = connection(os.environ['ST_USER'], os.environ['ST_KEY'])
owner.put_container('private')
owner.put_object('private', 'a', b'secret', content_type='text/plain')
mia = connection('admin:mia', 'mias-own-secret')
for attempt in range(600):
    try:
        mia.get_auth()
        break
    except swiftclient.ClientException:
        time.sleep(0.1)
else:
    raise AssertionError('the proxy does not hear of mia')
def refused(call):
    try:
        call()
    except swiftclient.ClientException as error:
        assert error.http_status == 403, error
        return
    raise AssertionError('not refused')
refused(lambda: mia.get_object('private', 'a'))
refused(lambda: mia.get_account())
owner.post_container('private', {'X-Container-Read': 'admin:mia'})
time.sleep(1.1)
assert mia.get_object('private', 'a')[1] == b'secret'
assert [entry['name'] for entry in mia.get_container('private')[1]] == ['a']
refused(lambda: mia.put_object('private', 'b', b'mine'))
owner.post_container('private', {'X-Container-Write': 'admin:mia'})
time.sleep(1.1)
mia.put_object('private', 'b', b'mine')
headers = owner.head_container('private')
assert headers['x-container-object-count'] == '2' and headers['x-container-bytes-used'] == '10', headers
owner.post_account({'X-Account-Meta-Note': 'hello'})
assert owner.head_account()['x-account-meta-note'] == 'hello'
`);
});

test('rclone copies a tree into a container and finds no difference', async () => {
  for (let index = 0; index < 60; index += 1) {
    const folder = file(join('tree', `d${index % 4}`));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `f-${index} ☃.bin`), randomBytes(index * 997));
  }
  await cluster.run('rclone', ['copy', 'tree', 'hold:archive/tree']);
  const check = await cluster.run('rclone', ['check', '--download', 'tree', 'hold:archive/tree']);
  assert.match(check.stderr, /0 differences found/);
  await cluster.run('rclone', ['move', 'hold:archive/tree/d0', 'hold:archive/moved']);
  const counted = await cluster.run('rclone', ['size', '--json', 'hold:archive']);
  assert.equal((JSON.parse(counted.stdout) as { count: number }).count, 60);
  await cluster.run('rclone', ['purge', 'hold:archive']);
});
