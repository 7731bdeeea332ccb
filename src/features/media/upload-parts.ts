// Parts of an upload that come in any order, several at a time, each written in place: no pass puts them together
// afterwards. Each is claimed by a row of its own while it is written; claims and received ranges never overlap, so
// writers of one upload do not meet.
import { createHash } from 'node:crypto';
import { conflict, invalid, unavailable } from '../../platform/errors.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { createIntake } from './intake.ts';
import type { Body } from './upload-bodies.ts';
import { keeping } from './upload-lease-rows.ts';
import { createPartClaims, type PartClaim, type PartClaimsOptions } from './upload-part-claims.ts';
import type { Own, UploadState } from './upload-resources.ts';
import type { UploadRows } from './upload-rows.ts';
import { patiently, type Writer, type Writers } from './upload-writers.ts';

export interface UploadParts {
  /**
   * Writes the body at `offset`, wherever that is within the declared length; a part that is there already is compared
   * instead. Throws `not_found`, `conflict` (`length_unknown`, `part_overlaps`, `part_differs`, `too_many_parts`, `upload_closed`),
   * `too_large` (`body_too_large`), `invalid` (`part_empty`, `checksum_mismatch`) or `unavailable` (`upload_busy`, `body_incomplete`).
   */
  put(part: Own & { offset: number; body: Body & { announced: number } }): Promise<UploadState>;
}

interface UploadPartsOptions extends PartClaimsOptions {
  storage: Storage;
  rows: UploadRows;
  writers: Writers;
}

export function createUploadParts(options: UploadPartsOptions): UploadParts {
  const { storage, resources, rows, writers } = options;
  const claims = createPartClaims(options);

  return {
    async put({ viewer, id, offset, body }) {
      const place = { start: offset, end: offset + body.announced };
      if (body.announced === 0) throw invalid('part_empty', 'A part has at least one byte.');
      const claim = await patiently(() => claims.tryToClaim({ viewer, id }, place));
      if (claim === 'stored') await compare({ viewer, id }, { offset, body });
      else await fill(claim, body);
      return resources.describe(await rows.find({ viewer, id }));
    },
  };

  async function fill(claimed: PartClaim, body: Body): Promise<void> {
    const { id, upload, start, end, holder } = claimed;
    using writer = writers.begin(holder, keeping(options, { table: 'uploadParts', id, holder }));
    let arrived = 0;
    try {
      using intake = openIntake(body, { writer, most: end - start });
      const place = { offset: start, fence: upload.leaseNumber };
      const written = await storage.drafts.write(upload.draftKey, place, intake.take(end - start));
      const isWhole = written === end - start;
      if (body.checksum && !isWhole) throw incomplete();
      intake.verify();
      arrived = written;
    } finally {
      await claims.settle(claimed, arrived);
    }
    if (arrived < end - start) throw incomplete();
  }

  /** A part that comes again is the same part, or a mistake that the client has to hear of. */
  async function compare(own: Own, { offset, body }: { offset: number; body: Body & { announced: number } }) {
    const { draftKey } = await rows.find(own);
    using intake = openIntake(body, { writer: undefined, most: body.announced });
    const [sent, stored] = [createHash('sha256'), createHash('sha256')];
    for await (const piece of intake.take(body.announced)) sent.update(piece);
    if (intake.end !== 'whole') throw incomplete();
    intake.verify();
    const range = { start: offset, end: offset + body.announced - 1 };
    for await (const piece of storage.drafts.read(draftKey, range)) stored.update(piece as Buffer);
    if (!sent.digest().equals(stored.digest()))
      throw conflict('part_differs', 'Other bytes than these are there already.');
  }
}

function openIntake(
  { content, checksum }: Body,
  { writer, most }: { writer: Writer | undefined; most: number },
) {
  return createIntake({
    ...{ body: content, most, checksum },
    stop: writer?.ended ?? new AbortController().signal,
    ...(writer && { confirm: () => writer.confirm() }),
  });
}

const incomplete = () => unavailable('body_incomplete', 'The request broke off.', { retryAfter: 1 });
