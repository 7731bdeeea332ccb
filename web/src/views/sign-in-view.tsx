import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { AuthFrame } from '../components/auth-frame.tsx';
import { Complaints, Field } from '../components/field.tsx';
import { Form } from '../components/form.tsx';
import { useTitle, useWork } from '../hooks.ts';
import { useStore } from '../store.ts';
import { site } from '../stores/site.ts';
import { signIn } from '../wire/accounts.ts';
import { explain, WireFailure } from '../wire/failures.ts';

export function SignInView({ next }: { next: string }): JSX.Element {
  useTitle('Sign in');
  const { sign_up, contact } = useStore(site);
  const [problem, setProblem] = useState<string>();
  const [busy, run] = useWork((error) => {
    const wrong = error instanceof WireFailure && (error.status === 401 || error.status === 400);
    setProblem(wrong ? 'User name or password is not right.' : explain(error));
  });
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const entries = new FormData(form);
    setProblem(undefined);
    await signIn({
      username: String(entries.get('username')).trim(),
      password: String(entries.get('password')),
    });
  };
  return (
    <AuthFrame title="Sign in">
      <Form class="stack" testid="signin-form" onSubmit={(form) => void run(() => submit(form))}>
        <Field name="username" label="User name" autocomplete="username" autofocus />
        <Field
          name="password"
          label="Password"
          type="password"
          autocomplete="current-password"
          maxLength={1024}
        />
        {problem && <Complaints errors={[problem]} />}
        <button
          type="submit"
          class="button button-main button-wide"
          data-testid="signin-submit"
          disabled={busy}
        >
          Sign in
        </button>
      </Form>
      {sign_up === 'open' ? (
        <p class="porch-other">
          New here?{' '}
          <a href={next === '/' ? '/signup' : `/signup?next=${encodeURIComponent(next)}`}>Make an account</a>
        </p>
      ) : (
        <p class="porch-other">New people come by invitation.</p>
      )}
      {contact !== '' && <p class="porch-other">No account, or no password any more? Ask {contact}.</p>}
    </AuthFrame>
  );
}
