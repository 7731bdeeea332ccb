import type { ComponentChildren, JSX } from 'preact';

export interface FormProps {
  class?: string;
  label?: string;
  testid?: string;
  onSubmit: (form: HTMLFormElement) => void;
  onDropFiles?: (files: Iterable<File>) => void;
  children: ComponentChildren;
}

/** A form that the page itself handles. */
export function Form({
  class: kind,
  label,
  testid,
  onSubmit,
  onDropFiles,
  children,
}: FormProps): JSX.Element {
  return (
    <form
      class={kind}
      aria-label={label}
      data-testid={testid}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(event.currentTarget);
      }}
      onDragOver={(event) => onDropFiles && event.preventDefault()}
      onDrop={(event) => {
        if (!onDropFiles) return;
        event.preventDefault();
        onDropFiles(event.dataTransfer?.files ?? []);
      }}
    >
      {children}
    </form>
  );
}
