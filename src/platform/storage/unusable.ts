/** A store that the settings name and that cannot be used; an operator can mend it. The message is one line about `setting`. */
export class UnusableStorage extends Error {
  override readonly name = 'UnusableStorage';
  readonly setting: 'endpoint' | 'bucket' | 'region' | 'accessKeyId' | 'secretAccessKey';

  constructor(setting: UnusableStorage['setting'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.setting = setting;
  }
}
