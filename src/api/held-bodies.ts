// Bodies that a route wants whole are held in memory while they come and until they are answered. All of them together
// have one bound, counted in bytes that came, so that nobody is shut out by what others only announce. When it is reached,
// whoever costs most gives way: the addresses (IPv6: the /64) whose bodies have the most bytes for the longest time, and of theirs
// the body that has. What has come whole is worked on, and is not taken away again.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type DomainError, unavailable } from '../platform/errors.ts';
import { networkOf } from '../platform/limits/networks.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Begins to hold the body, until the answer is sent. `refuse` is called, once at most, when it has to give way while it
     * comes: it is no longer counted then, and nothing of it is to be kept.
     */
    holdBody(refuse: (refusal: DomainError) => void): HeldBody;
  }
}

export interface HeldBody {
  /** Counts a piece that is held from now on. */
  add(piece: Uint8Array): void;
  /** All of it has come, and is held in one piece of so many bytes. */
  arrive(bytes: number): void;
  release(): void;
}

export interface HeldBodies {
  /** Of all bodies. */
  readonly bytes: number;
  hold(body: { address: string; refuse: (refusal: DomainError) => void }): HeldBody;
}

/** What a piece takes beside its bytes: of a byte at a time, this is what fills the memory. */
const PIECE = 1_024;
const RETRY_AFTER = 5;

interface Body {
  address: string;
  bytes: number;
  since: number;
  /** None when it has come. */
  refuse: ((refusal: DomainError) => void) | undefined;
}

export function createHeldBodies({
  maxBytes,
  now = () => performance.now(),
}: {
  maxBytes: number;
  now?: () => number;
}): HeldBodies {
  const held = new Set<Body>();
  let total = 0;

  function change(body: Body, bytes: number): void {
    if (!held.has(body)) return;
    body.bytes += bytes;
    total += bytes;
  }

  function release(body: Body): void {
    if (held.delete(body)) total -= body.bytes;
  }

  function makeRoom(): void {
    while (total > maxBytes) {
      const body = findCostliest(held, now());
      if (!body) return;
      release(body);
      body.refuse?.(
        unavailable('bodies_busy', 'Too much is being sent here right now. Please try again in a moment.', {
          retryAfter: RETRY_AFTER,
        }),
      );
    }
  }

  return {
    get bytes() {
      return total;
    },
    hold({ address, refuse }) {
      const body: Body = { address, bytes: 0, since: now(), refuse };
      held.add(body);
      return {
        add(piece) {
          change(body, piece.length + PIECE);
          makeRoom();
        },
        arrive(bytes) {
          change(body, bytes - body.bytes);
          body.refuse = undefined;
        },
        release: () => release(body),
      };
    },
  };
}

/** Of those that are still coming. */
function findCostliest(held: ReadonlySet<Body>, at: number): Body | undefined {
  const cost = ({ bytes, since }: Body): number => bytes * (at - since + 1);
  const costs = new Map<string, number>();
  for (const body of held) {
    const network = networkOf(body.address);
    costs.set(network, (costs.get(network) ?? 0) + cost(body));
  }
  let [costliest, most, own]: [Body | undefined, number, number] = [undefined, 0, 0];
  for (const body of held) {
    const [ofAll, ofIt] = [costs.get(networkOf(body.address)) ?? 0, cost(body)];
    if (!body.refuse || ofAll < most || (ofAll === most && ofIt <= own)) continue;
    [costliest, most, own] = [body, ofAll, ofIt];
  }
  return costliest;
}

/** The connection of whoever gives way ends with the answer: what still comes is read by nobody. */
export function boundHeldBodies(app: FastifyInstance, bodies: HeldBodies): void {
  const ofRequests = new WeakMap<FastifyRequest, HeldBody>();
  const refused = new WeakSet<FastifyRequest>();
  app.decorateRequest('holdBody', function hold(this: FastifyRequest, refuse) {
    const body = bodies.hold({
      address: this.ip,
      refuse: (refusal) => {
        refused.add(this);
        refuse(refusal);
      },
    });
    ofRequests.set(this, body);
    return body;
  });
  // Also where nobody hears the answer any more: whoever works on a body has it until then.
  app.addHook('onSend', async (request, reply) => {
    ofRequests.get(request)?.release();
    if (refused.has(request)) reply.header('connection', 'close');
  });
}
