export interface RedisSettings {
  url: string;
  /** Before every key and channel, so that several sites may share a server. */
  prefix: string;
}
