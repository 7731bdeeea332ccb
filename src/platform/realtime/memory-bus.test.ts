import { describeBus } from './bus.contract.ts';
import { openBus } from './open.ts';

describeBus('within one process', openBus);
