// The nouns as they travel. The misspelt keys (`auhtor`, `replyes`) are the wire's own.

export interface Author {
  id: number;
  username?: string;
  firstname: string;
  lastname: string;
  profile_picture: string;
}

export interface Profile extends Author {
  username: string;
  bio: string;
  cover_image: string;
  /** Profile ids of those who follow this person. */
  followers: readonly number[];
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
