/**
 * A broadcaster's tree: encoded films, thumbnails, sidecars. HOLDFAST_MEDIA_FILES (small files, default 600) and
 * HOLDFAST_MEDIA_SECONDS (length of the longest film, default 20) make it as large as wanted.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RunningCluster } from './running-cluster.ts';

const SMALL_FILES = Number(process.env['HOLDFAST_MEDIA_FILES'] ?? 600);
const FILM_SECONDS = Number(process.env['HOLDFAST_MEDIA_SECONDS'] ?? 20);

async function makeMedia(cluster: RunningCluster): Promise<void> {
  const tree = join(cluster.folder, 'media');
  await mkdir(tree, { recursive: true });
  const source = ['-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i'];
  const picture = (seconds: number) => `testsrc2=size=1280x720:rate=25:duration=${seconds}`;
  // Intra-only at a fixed quantiser, as an edit suite keeps it; then a long-GOP proxy of it.
  const intra = ['-c:v', 'mpeg2video', '-g', '1', '-q:v', '2', 'media/film.mxf'];
  await cluster.run('ffmpeg', [...source, picture(FILM_SECONDS), ...intra]);
  const proxy = ['-c:v', 'mpeg4', '-b:v', '2M', '-movflags', '+faststart', 'media/proxy.mp4'];
  await cluster.run('ffmpeg', [...source, picture(Math.min(FILM_SECONDS, 30)), ...proxy]);
  const thumbnails = ['-vf', 'scale=160:90', '-r', '4', 'media/thumb-%04d.jpg'];
  await cluster.run('ffmpeg', [...source, picture(5), ...thumbnails]);
  for (let index = 0; index < SMALL_FILES; index += 1) {
    const folder = join(tree, `reel-${index % 40}`);
    await mkdir(folder, { recursive: true });
    const number = String(1 + (index % 20)).padStart(4, '0');
    if (index % 2 === 0)
      await copyFile(join(tree, `thumb-${number}.jpg`), join(folder, `frame-${index}.jpg`));
    else
      await writeFile(join(folder, `frame-${index}.xml`), `<clip frame="${index}" reel="${index % 40}"/>\n`);
  }
}

describe('a media tree', () => {
  let cluster: RunningCluster;
  before(async () => {
    cluster = await RunningCluster.start(1400);
    const endpoint = `endpoint = ${cluster.endpoint}`;
    const remote = [
      '[hold]',
      'type = s3',
      'provider = Other',
      'env_auth = true',
      endpoint,
      'region = us-east-1',
      '',
    ];
    await writeFile(join(cluster.folder, 'rclone.conf'), remote.join('\n'));
  });
  after(() => cluster[Symbol.asyncDispose]());

  test('is uploaded while a storage process is killed, listed, probed by ffprobe and checked', async () => {
    await makeMedia(cluster);
    const copying = cluster.run('rclone', ['copy', '--transfers', '8', 'media', 'hold:archive']);
    await new Promise((resolve) => setTimeout(resolve, 800));
    await cluster.kill(
      (await cluster.processes()).find(({ role }) => role === 'storage')?.name ?? 'no storage',
    );
    await copying;

    const film = await stat(join(cluster.folder, 'media', 'film.mxf'));
    const listed = await cluster.aws('--endpoint-url', cluster.endpoint, 's3', 'ls', 's3://archive/film.mxf');
    assert.ok(listed.stdout.includes(` ${film.size} film.mxf`), listed.stdout);

    const { stdout } = await cluster.python(`
print(s3.generate_presigned_url('get_object', Params={'Bucket': 'archive', 'Key': 'film.mxf'}, ExpiresIn=300))
seen = [o['Key'] for page in s3.get_paginator('list_objects_v2').paginate(Bucket='archive', Prefix='reel-') for o in page['Contents']]
print(len(seen))
`);
    const [url, seen] = stdout.trim().split('\n');
    assert.equal(Number(seen), SMALL_FILES);
    const probe = [
      '-v',
      'error',
      '-show_entries',
      'format=duration:stream=codec_name,width',
      '-of',
      'json',
      url ?? '',
    ];
    const probed = JSON.parse((await cluster.run('ffprobe', probe)).stdout) as {
      streams: { codec_name: string; width: number }[];
      format: { duration: string };
    };
    assert.equal(probed.streams[0]?.codec_name, 'mpeg2video');
    assert.equal(probed.streams[0]?.width, 1280);
    assert.ok(Math.abs(Number(probed.format.duration) - FILM_SECONDS) < 0.1, probed.format.duration);

    const check = await cluster.run('rclone', ['check', '--download', 'media', 'hold:archive']);
    assert.match(check.stderr, /0 differences found/);
  });
});
