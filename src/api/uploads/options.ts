// What every form of the uploads door is given.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Media, UploadState } from '../../features/media/index.ts';
import type { Viewer } from '../../features/users/index.ts';
import type { RequestLimits } from '../limits.ts';
import type { Viewers } from '../viewer.ts';

export interface UploadsOptions {
  media: Pick<Media, 'resources' | 'bodies' | 'parts'>;
  viewers: Viewers;
  requestLimits: RequestLimits;
  limits: { videoBytes: number };
  /** Whether the draft of Resumable Uploads for HTTP is spoken beside tus. */
  speaksDraft: boolean;
  now: () => number;
}

/** One request to the door, by somebody who is signed in. */
export interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
  viewer: Viewer;
}

export const PREFIX = '/api/uploads';

export const addressOf = ({ id }: UploadState): string => `${PREFIX}/${id}`;

/** Says how long the upload is kept as it is. */
export function tellExpiry(reply: FastifyReply, { expiresAt }: UploadState): void {
  if (expiresAt !== null) reply.header('Upload-Expires', new Date(expiresAt).toUTCString());
}

/** An upload as our own form shows it. */
export function asJson({
  id,
  mediaId,
  offset,
  length,
  missing,
  isClosed,
}: UploadState & { missing: object[] }) {
  return { id, videoID: mediaId, offset, length, missing, finished: isClosed };
}
