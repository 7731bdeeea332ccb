// The same people, sending files meanwhile: videos in chunks, pictures, new faces.
import { readFileSync } from 'node:fs';
import { type Answer, asDataUrl, call, sendChunk } from '../support/classic-client.ts';
import { cell, change, isAccepted, type SentUpload, type UploadKind } from './ledger.ts';
import { observe, pickSaid, type Scene, write } from './writers.ts';

const CHUNK_BYTES = 48 * 1024;
const PICTURE = asDataUrl(
  readFileSync(new URL('../../src/api/files/defaults/default_profile_picture.png', import.meta.url)),
  'image/png',
);
/** How every MP4 begins: enough to be taken for one. */
const MP4_HEAD = Buffer.from(
  '0000002066747970 69736f6d00000200 69736f6d69736f32 617663316d703431'.replaceAll(' ', ''),
  'hex',
);

/** One random step of somebody who sends files. A new upload is of the last one of `videos`, which it takes, or of noise. */
export async function send(scene: Scene, videos: Buffer[]): Promise<void> {
  const { random, writer } = scene;
  if (random.chance(0.06)) return observe(scene, addPicture);
  if (random.chance(0.03)) return observe(scene, changePicture);
  writer.upload ??= begin(scene, videos.pop());
  const { upload } = writer;
  const sent = upload.acknowledged === upload.bytes.length && upload.inDoubt === 0;
  return sent ? close(scene, upload) : observe(scene, () => sendNext(scene, upload));
}

function begin({ name, random }: Scene, video: Buffer | undefined): SentUpload {
  const label = `7-ann-11/22/2026, 4:15:56 PM-${name()}-clip one.mp4`;
  const rest = {
    label,
    post: undefined,
    acknowledged: 0,
    inDoubt: 0,
    mediaId: undefined,
    closed: cell(false),
  };
  if (video) return { kind: 'real', bytes: video, ...rest };
  const kind: UploadKind = random.chance(0.5) ? 'noise' : 'lame';
  const noise = random.bytes(1 + random.int(CHUNK_BYTES));
  return { kind, bytes: kind === 'lame' ? Buffer.concat([MP4_HEAD, noise]) : noise, ...rest };
}

/** A chunk without an answer comes again just as it was, on another connection, as the classic client does it or with its place. */
async function sendNext({ base, random, writer }: Scene, upload: SentUpload): Promise<Answer> {
  const { bytes, label, acknowledged } = upload;
  const size = upload.inDoubt || Math.min(bytes.length - acknowledged, 1 + random.int(CHUNK_BYTES));
  const fields = random.chance(0.5) ? { offset: String(acknowledged) } : undefined;
  upload.inDoubt = size;
  const answer = await sendChunk(base, writer, {
    filename: label,
    bytes: bytes.subarray(acknowledged, acknowledged + size),
    ...(fields && { fields }),
  });
  if (isAccepted(answer))
    Object.assign(upload, { acknowledged: acknowledged + size, inDoubt: 0, mediaId: answer.json.id });
  return answer;
}

async function close(scene: Scene, upload: SentUpload): Promise<void> {
  const { writer } = scene;
  const post = pickSaid(scene, (said) => said.author === writer && !said.parent);
  if (!upload.post) {
    if (!post) return observe(scene, write);
    upload.post = post;
  }
  return observe(scene, () => finalize(scene, upload));
}

async function finalize({ base, writer }: Scene, upload: SentUpload): Promise<Answer> {
  const body = { postID: upload.post?.id, videoID: upload.mediaId };
  const answer = await change(
    upload.closed,
    () => true,
    () => call(base, '/api/posts/post/add/media/video/finalize/', { token: writer.access, body }),
  );
  const isNoise = upload.kind === 'noise' && [404, 415].includes(answer.status);
  // Refusing noise drops it. If the post is what was not found, the database tells.
  if (isNoise) upload.closed.may = answer.status === 415 ? [true] : [true, false];
  if (isNoise || isAccepted(answer)) {
    writer.closedUploads.push(upload);
    writer.upload = undefined;
    // The server's own fault: it may be on this post, so it is not tried with another.
  } else if (answer.status < 500) upload.post = undefined;
  return isNoise ? { ...answer, status: 200 } : answer;
}

async function addPicture(scene: Scene): Promise<Answer | undefined> {
  const { base, writer } = scene;
  const post = pickSaid(scene, (said) => said.author === writer && !said.parent);
  if (!post) return undefined;
  const body = { postID: post.id, imageBase64: PICTURE };
  return change(
    post.pictures,
    (now) => now + 1,
    () => call(base, '/api/posts/post/add/media/image/', { token: writer.access, body }),
  );
}

async function changePicture({ base, writer }: Scene): Promise<Answer> {
  const body = { userID: writer.id, profile_image: PICTURE };
  const answer = await change(
    writer.picture,
    () => undefined,
    () => call(base, '/api/users/author/update/', { token: writer.access, body }),
  );
  if (isAccepted(answer)) writer.picture.may = [answer.json.user.profile_picture];
  return answer;
}
