import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

export interface FilePickerProps {
  testid: string;
  name?: string;
  accept?: string;
  multiple?: boolean;
  onChoose: (files: readonly File[]) => void;
  /** Draws the button that opens the browser's file dialog. */
  button: (open: () => void) => JSX.Element;
}

/** A file input out of sight, opened by a button of one's own. */
export function FilePicker(props: FilePickerProps): JSX.Element {
  const { testid, name, accept = 'image/*', multiple = false, onChoose, button } = props;
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      {button(() => input.current?.click())}
      <input
        ref={input}
        class="unseen"
        type="file"
        name={name}
        accept={accept}
        multiple={multiple}
        tabIndex={-1}
        aria-hidden="true"
        data-testid={testid}
        onChange={(event) => {
          onChoose([...(event.currentTarget.files ?? [])]);
          // The same file may be chosen again after it was taken out.
          event.currentTarget.value = '';
        }}
      />
    </>
  );
}
