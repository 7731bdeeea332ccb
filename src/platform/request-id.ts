// The id of the request that what runs now goes back to. It follows the calls that the request leads to, into the jobs that they
// write, and from there what those do, on whichever node.
import { AsyncLocalStorage } from 'node:async_hooks';

const ids = new AsyncLocalStorage<string | undefined>();

/** Calls `work`, and all that follows from it goes back to that request; `undefined` is nobody's. */
export const onBehalfOf = <T>(requestId: string | undefined, work: () => T): T => ids.run(requestId, work);

export const currentRequestId = (): string | undefined => ids.getStore();
