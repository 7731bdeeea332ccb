// The porch around signing in and up.
import type { ComponentChildren, JSX } from 'preact';
import { Wordmark } from './brand.tsx';

export function AuthFrame({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="porch">
      <div class="awning" aria-hidden="true" />
      <main class="porch-main" id="main" tabIndex={-1}>
        <div class="porch-welcome">
          <a class="brand" href="/">
            <Wordmark />
          </a>
          <p class="porch-words">Sit down. See what the people you like are up to.</p>
        </div>
        <div class="card porch-card">
          <h1>{title}</h1>
          {children}
        </div>
      </main>
    </div>
  );
}
