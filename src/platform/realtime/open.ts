// Opens the bus that the configuration names.
import type { Bus } from './bus.ts';

export async function openBus(onError: (error: unknown) => void): Promise<Bus> {
  const { createMemoryBus } = await import('./memory-bus.ts');
  return createMemoryBus(onError);
}
