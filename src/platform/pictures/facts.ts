// What clients are told of a stored picture before they load it.

/** One file made of a picture. */
export interface Rendition {
  /** Blob key. */
  key: string;
  type: 'image/webp' | 'image/avif';
  width: number;
  height: number;
  /** The first frame alone of a picture that moves. */
  still?: true;
}

/** Where to look first, from -1 (left, bottom) to 1 (right, top); 0, 0 is the middle. */
export interface Focus {
  x: number;
  y: number;
}

export interface PictureFacts {
  /** Of the file that plain clients load; null until known. */
  width: number | null;
  height: number | null;
  blurhash: string | null;
  alt: string;
  focus: Focus;
  /** Best first; empty until they are made. */
  renditions: Rendition[];
}

/** Columns of `pictures`, as a join answers them; all null where there is no picture. */
export interface PictureColumns {
  width: number | null;
  height: number | null;
  alt: string | null;
  focusX: number | null;
  focusY: number | null;
  blurhash: string | null;
  renditions: string | null;
}

export function readFacts(row: PictureColumns): PictureFacts {
  return {
    width: row.width,
    height: row.height,
    blurhash: row.blurhash,
    alt: row.alt ?? '',
    focus: { x: (row.focusX ?? 0) / 1_000, y: (row.focusY ?? 0) / 1_000 },
    renditions: readRenditions(row.renditions),
  };
}

export const readRenditions = (json: string | null): Rendition[] =>
  json === null ? [] : (JSON.parse(json) as Rendition[]);
