/** A setting that cannot be used; the message is one line that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What keeps a start from being now, and passes by itself. The message is one line that names the setting. */
export class TemporaryFailure extends Error {
  override readonly name = 'TemporaryFailure';
}
