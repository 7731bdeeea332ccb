import type { App } from './app.ts';
export async function seed(app: App, print: (line: string) => void): Promise<void> {
  void app;
  print('');
}
