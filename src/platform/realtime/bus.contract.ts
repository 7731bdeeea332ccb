// What every bus must do, whichever adapter it is.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus, Topic } from './bus.ts';

interface Note {
  text: string;
}

const news: Topic<Note> = { name: 'news' };
const gossip: Topic<Note> = { name: 'gossip' };

/** What is published on `there` is heard on `here`: two nodes, or one and the same. */
export interface Nodes {
  here: Bus;
  there: Bus;
  /** Resolves once all subscriptions of `here` are there. */
  settle(): Promise<void>;
}

/** `open` makes nodes that hand what listeners throw to `onError`. */
export function describeBus(name: string, open: (onError: (error: unknown) => void) => Promise<Nodes>): void {
  describe(`a bus ${name}`, () => {
    let bus: Bus;
    let nodes: Nodes;
    let errors: unknown[];
    const publish = async (topic: Topic<Note>, ...texts: string[]): Promise<void> => {
      await nodes.settle();
      for (const text of texts) nodes.there.publish(topic, { text });
    };
    beforeEach(async () => {
      errors = [];
      nodes = await open((error) => errors.push(error));
      bus = nodes.here;
    });
    afterEach(async () => {
      await nodes.here[Symbol.asyncDispose]();
      await nodes.there[Symbol.asyncDispose]();
    });

    const listen = (topic: Topic<Note>) => {
      const heard: string[] = [];
      return { heard, end: bus.subscribe(topic, ({ text }) => heard.push(text)) };
    };

    test('brings every message to every listener of its topic, in order', async () => {
      const [one, two, elsewhere] = [listen(news), listen(news), listen(gossip)];
      await publish(news, 'a', 'b', 'c');
      await expect
        .poll(() => [one.heard, two.heard])
        .toEqual([
          ['a', 'b', 'c'],
          ['a', 'b', 'c'],
        ]);
      expect(elsewhere.heard).toEqual([]);
    });

    test('returns from publishing before anybody has heard', async () => {
      const { heard } = listen(news);
      await nodes.settle();
      nodes.there.publish(news, { text: 'later' });
      expect(heard).toEqual([]);
      await expect.poll(() => heard).toEqual(['later']);
    });

    test('keeps a listener that throws from the others and from the publisher', async () => {
      bus.subscribe(news, () => {
        throw new Error('this listener is broken');
      });
      const { heard } = listen(news);
      await publish(news, 'a');
      await expect.poll(() => heard).toEqual(['a']);
      expect(errors).toMatchObject([{ message: 'this listener is broken' }]);
    });

    test('brings nothing after the end of a subscription, also when it is ended twice', async () => {
      const [leaving, staying] = [listen(news), listen(news)];
      leaving.end();
      leaving.end();
      await publish(news, 'a');
      await expect.poll(() => staying.heard).toEqual(['a']);
      expect(leaving.heard).toEqual([]);
    });

    test('ends one subscription and no later one of the same topic', async () => {
      const first = listen(news);
      first.end();
      const second = listen(news);
      first.end();
      await publish(news, 'a');
      await expect.poll(() => second.heard).toEqual(['a']);
    });

    test('knows two subscriptions of the same listener apart', async () => {
      const heard: string[] = [];
      const listener = ({ text }: Note) => void heard.push(text);
      const end = bus.subscribe(news, listener);
      bus.subscribe(news, listener);
      await publish(news, 'a');
      await expect.poll(() => heard).toEqual(['a', 'a']);
      end();
      await publish(news, 'b');
      await expect.poll(() => heard).toEqual(['a', 'a', 'b']);
    });

    test('lets listeners come and go while a message is brought', async () => {
      const late: string[] = [];
      const other = listen(news);
      const end = bus.subscribe(news, () => {
        end();
        bus.subscribe(news, ({ text }) => late.push(text));
      });
      await publish(news, 'a');
      await expect.poll(() => other.heard).toEqual(['a']);
      await publish(news, 'b');
      await expect.poll(() => late).toEqual(['b']);
    });

    test('says nothing to nobody, also after it is closed', async () => {
      const { heard } = listen(news);
      await publish(gossip, 'unheard');
      await nodes.here[Symbol.asyncDispose]();
      nodes.here.publish(news, { text: 'too late' });
      nodes.there.publish(news, { text: 'too late' });
      await new Promise(setImmediate);
      expect(heard).toEqual([]);
      expect(errors).toEqual([]);
    });

    test('tells of no gap while nothing is lost', async () => {
      await nodes.settle();
      const gaps: unknown[] = [];
      const { heard } = listen(news);
      await nodes.settle();
      const end = bus.onGap(news, (gap) => gaps.push(gap));
      await publish(news, 'a');
      await expect.poll(() => heard).toEqual(['a']);
      end();
      expect(gaps).toEqual([]);
    });
  });
}
