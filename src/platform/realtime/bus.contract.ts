// What every bus must do, whichever adapter it is.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus, Topic } from './bus.ts';

interface Note {
  text: string;
}

const news: Topic<Note> = { name: 'news' };
const gossip: Topic<Note> = { name: 'gossip' };

/** `open` makes a bus that hands what listeners throw to `onError`. */
export function describeBus(name: string, open: (onError: (error: unknown) => void) => Promise<Bus>): void {
  describe(`a bus ${name}`, () => {
    let bus: Bus;
    let errors: unknown[];
    beforeEach(async () => {
      errors = [];
      bus = await open((error) => errors.push(error));
    });
    afterEach(() => bus[Symbol.asyncDispose]());

    /** Listens; resolves `next` with each message in turn. */
    const listen = (topic: Topic<Note>) => {
      const heard: string[] = [];
      return { heard, end: bus.subscribe(topic, ({ text }) => heard.push(text)) };
    };

    test('brings every message to every listener of its topic, in order', async () => {
      const [one, two, elsewhere] = [listen(news), listen(news), listen(gossip)];
      for (const text of ['a', 'b', 'c']) bus.publish(news, { text });
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
      bus.publish(news, { text: 'later' });
      expect(heard).toEqual([]);
      await expect.poll(() => heard).toEqual(['later']);
    });

    test('keeps a listener that throws from the others and from the publisher', async () => {
      bus.subscribe(news, () => {
        throw new Error('this listener is broken');
      });
      const { heard } = listen(news);
      bus.publish(news, { text: 'a' });
      await expect.poll(() => heard).toEqual(['a']);
      expect(errors).toMatchObject([{ message: 'this listener is broken' }]);
    });

    test('brings nothing after the end of a subscription, also when it is ended twice', async () => {
      const [leaving, staying] = [listen(news), listen(news)];
      leaving.end();
      leaving.end();
      bus.publish(news, { text: 'a' });
      await expect.poll(() => staying.heard).toEqual(['a']);
      expect(leaving.heard).toEqual([]);
    });

    test('ends one subscription and no later one of the same topic', async () => {
      const first = listen(news);
      first.end();
      const second = listen(news);
      first.end();
      bus.publish(news, { text: 'a' });
      await expect.poll(() => second.heard).toEqual(['a']);
    });

    test('knows two subscriptions of the same listener apart', async () => {
      const heard: string[] = [];
      const listener = ({ text }: Note) => void heard.push(text);
      const end = bus.subscribe(news, listener);
      bus.subscribe(news, listener);
      bus.publish(news, { text: 'a' });
      await expect.poll(() => heard).toEqual(['a', 'a']);
      end();
      bus.publish(news, { text: 'b' });
      await expect.poll(() => heard).toEqual(['a', 'a', 'b']);
    });

    test('lets listeners come and go while a message is brought', async () => {
      const late: string[] = [];
      const other = listen(news);
      const end = bus.subscribe(news, () => {
        end();
        bus.subscribe(news, ({ text }) => late.push(text));
      });
      bus.publish(news, { text: 'a' });
      await expect.poll(() => other.heard).toEqual(['a']);
      bus.publish(news, { text: 'b' });
      await expect.poll(() => late).toEqual(['b']);
    });

    test('says nothing to nobody, also after it is closed', async () => {
      const { heard } = listen(news);
      bus.publish(gossip, { text: 'unheard' });
      await bus[Symbol.asyncDispose]();
      bus.publish(news, { text: 'too late' });
      await new Promise(setImmediate);
      expect(heard).toEqual([]);
      expect(errors).toEqual([]);
    });
  });
}
