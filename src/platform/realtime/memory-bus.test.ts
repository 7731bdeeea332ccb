import { describeBus } from './bus.contract.ts';
import { openBus } from './open.ts';

describeBus('within one process', async (onError) => {
  const bus = await openBus({ onError, now: Date.now });
  return { here: bus, there: bus, settle: async () => undefined };
});
