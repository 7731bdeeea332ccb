// Who lives on a seeded site.
import type { Look } from './avatars.ts';
import type { PictureName } from './pictures.ts';

export interface Person {
  username: string;
  firstName: string;
  lastName: string;
  bio: string;
  look: Look;
  /** None shows the default one. */
  cover?: PictureName;
  follows: readonly string[];
}

export const people: readonly Person[] = [
  {
    username: 'maya',
    firstName: 'Maya',
    lastName: 'Lindqvist',
    bio: 'Maps, mountains, strong coffee. Göteborg.',
    look: { ground: '#7fb5c9', skin: '#f1c9a5', hair: '#c98a3d', clothes: '#2f5d7c', style: 'long' },
    cover: 'ridges',
    follows: ['jonas', 'amara', 'lea', 'aiko', 'tomas'],
  },
  {
    username: 'tomas',
    firstName: 'Tomás',
    lastName: 'Herrera',
    bio: 'Cartógrafo de barrio. Valparaíso.',
    look: {
      ...{ ground: '#d9a25f', skin: '#e8b48c', hair: '#2e2522', clothes: '#7a3b2e', style: 'short' },
      beard: true,
    },
    follows: ['maya', 'lea', 'priya'],
  },
  {
    username: 'aiko',
    firstName: 'Aiko',
    lastName: 'Tanaka',
    bio: '模様を集めています。Patterns, mostly on floors.',
    look: { ground: '#e6a4a0', skin: '#f3cfa9', hair: '#221c22', clothes: '#5a4a82', style: 'bob' },
    cover: 'tiles',
    follows: ['amara', 'maya', 'yusuf', 'lea'],
  },
  {
    username: 'jonas',
    firstName: 'Jonas',
    lastName: 'Weber',
    bio: 'Fensterplatz, immer. Leipzig.',
    look: {
      ...{ ground: '#8fae7c', skin: '#f0c4a0', hair: '#8a6a4a', clothes: '#39513c', style: 'cap' },
      glasses: true,
    },
    follows: ['maya', 'priya', 'yusuf', 'amara'],
  },
  {
    username: 'amara',
    firstName: 'Amara',
    lastName: 'Okafor',
    bio: 'Potter. Nine out of eleven survive.',
    look: { ground: '#f0c05a', skin: '#7a4a2e', hair: '#1d1513', clothes: '#b5442e', style: 'curls' },
    cover: 'table',
    follows: ['aiko', 'lea', 'maya', 'priya', 'jonas'],
  },
  {
    username: 'lea',
    firstName: 'Léa',
    lastName: 'Moreau',
    bio: 'Voile, vent, vaisselle. Douarnenez.',
    look: { ground: '#b7a4d6', skin: '#f0c8ac', hair: '#7c3f24', clothes: '#2c2a4a', style: 'bun' },
    cover: 'sea',
    follows: ['amara', 'tomas', 'maya'],
  },
  {
    username: 'yusuf',
    firstName: 'Yusuf',
    lastName: 'Demir',
    bio: 'Şehir, gece, çay.',
    look: {
      ...{ ground: '#6f95b8', skin: '#d9a47c', hair: '#1f1a1a', clothes: '#e2e2dc', style: 'short' },
      glasses: true,
    },
    cover: 'town',
    follows: ['aiko', 'jonas', 'maya'],
  },
  {
    username: 'priya',
    firstName: 'Priya',
    lastName: 'Nair',
    bio: 'From Kochi, now learning what winter is.',
    look: { ground: '#5fa59a', skin: '#a86f47', hair: '#1d1513', clothes: '#d6703f', style: 'long' },
    cover: 'lake',
    follows: ['maya', 'jonas', 'amara', 'lea', 'tomas', 'yusuf'],
  },
];
