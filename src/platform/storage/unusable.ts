/** A store that the settings name and that cannot be used; an operator can mend it, or wait. The message is one line about `setting`. */
export class UnusableStorage extends Error {
  override readonly name = 'UnusableStorage';
  readonly setting: 'endpoint' | 'bucket' | 'region' | 'accessKeyId' | 'secretAccessKey';
  /** Whether it passes by itself. */
  readonly passes: boolean;

  constructor(
    setting: UnusableStorage['setting'],
    message: string,
    { passes = false, ...options }: ErrorOptions & { passes?: boolean } = {},
  ) {
    super(message, options);
    this.setting = setting;
    this.passes = passes;
  }
}
