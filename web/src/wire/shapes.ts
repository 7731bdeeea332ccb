// The nouns as they travel. The misspelt keys (`auhtor`, `replyes`) are the wire's own.

/** One file made of a picture; those of a type are the same at other sizes. */
export interface Source {
  url: string;
  type: string;
  width: number;
  height: number;
  /** The first frame alone of a picture that moves. */
  still?: boolean;
}

/** What matters most, from -1 (left, bottom) to 1 (right, top). */
export interface Focus {
  x: number;
  y: number;
}

export interface Author {
  id: number;
  username?: string;
  firstname: string;
  lastname: string;
  profile_picture: string;
  profile_picture_sources?: readonly Source[];
}

export interface Profile extends Author {
  username: string;
  bio: string;
  cover_image: string;
  profile_picture_alt?: string;
  cover_image_sources?: readonly Source[];
  cover_image_alt?: string;
  cover_image_blurhash?: string;
  cover_image_focus?: Focus;
  /** Profile ids of those who follow this person. */
  followers: readonly number[];
  /** In one's own profile: may delete what anybody said. */
  is_admin?: boolean;
}

export interface Liker {
  id: number;
}

export interface Media {
  id: number;
  filename: string;
  /** A path; its ending tells pictures from videos. */
  file: string;
  /** Path of the master playlist once the video can be played. */
  hls_url: string | null;
  /** Only there when the video could not be processed: a sentence that says why. */
  failure?: string;
  /** In pixels, once known. */
  width?: number;
  height?: number;
  /** Of pictures. */
  blurhash?: string;
  alt?: string;
  focus?: Focus;
  sources?: readonly Source[];
  /** From here on, videos only. One that is `processing` may play already: see `hls_url`. */
  state?: 'processing' | 'ready' | 'failed';
  /** Heights that can be played. */
  sizes?: readonly number[];
  /** Paths. */
  poster?: string;
  storyboard?: string;
  captions?: readonly Captions[];
  progress?: {
    step: 'reading' | 'encoding' | 'finishing';
    renditions: readonly { name: string; percent: number }[];
  };
}

export interface Captions {
  id: string;
  language: string;
  label: string;
  file: string;
}

export interface Reply {
  id: number;
  author: Author;
  likes: readonly Liker[];
  reply: string;
  pub_date: string;
}

export interface Comment {
  id: number;
  author: Author;
  likes: readonly Liker[];
  replyes: readonly Reply[];
  comment: string;
  pub_date: string;
}

export interface Post {
  id: number;
  auhtor: Author;
  media_files: readonly Media[];
  likes: readonly Liker[];
  comments: readonly Comment[];
  description: string;
  date_created: string;
}
