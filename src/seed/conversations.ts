// What was said on a seeded site, oldest first.
import type { FilmName } from './films.ts';
import type { PictureName } from './pictures.ts';

export interface Post {
  by: string;
  hoursAgo: number;
  text: string;
  pictures?: readonly PictureName[];
  film?: FilmName;
  comments?: readonly Comment[];
}

export interface Comment {
  by: string;
  text: string;
  replies?: readonly { by: string; text: string }[];
}

export const posts: readonly Post[] = [
  {
    by: 'maya',
    hoursAgo: 131,
    text: 'Hello, veranda. I brought a thermos and two spare cups. What is everybody looking at this week?',
    comments: [
      { by: 'amara', text: 'A kiln that takes its time.' },
      {
        by: 'jonas',
        text: 'Fahrpläne. Wie immer.',
        replies: [{ by: 'maya', text: 'I would expect nothing else 😄' }],
      },
    ],
  },
  {
    by: 'tomas',
    hoursAgo: 122,
    text: '¿Alguien más lee mapas antes de dormir?\n\nEste fin de semana dibujamos las escaleras del cerro, una por una, para https://www.openstreetmap.org — 214 hasta ahora y todavía falta medio barrio.',
    comments: [
      { by: 'lea', text: '214 ! Et tu les as montées toutes ?' },
      {
        by: 'maya',
        text: 'Adding "count the stairs of my own street" to the list.',
        replies: [{ by: 'tomas', text: 'Cuidado, se empieza así.' }],
      },
    ],
  },
  {
    by: 'aiko',
    hoursAgo: 109,
    text: '近所の古い銭湯で見つけたタイル。一枚ずつ向きが違って、何度見ても飽きません。',
    pictures: ['tiles'],
    comments: [
      { by: 'amara', text: 'The blue! Do you know who made them?' },
      {
        by: 'yusuf',
        text: 'İznik’teki çinileri hatırlattı bana.',
        replies: [{ by: 'aiko', text: 'いつか見に行きたいです。' }],
      },
    ],
  },
  {
    by: 'priya',
    hoursAgo: 98,
    text: 'Question for the cold-country people: how many layers is normal, and at what number do they start laughing at you?',
    comments: [
      { by: 'maya', text: 'Three. Nobody laughs at four. At five we offer you coffee.' },
      { by: 'jonas', text: 'Zwiebelprinzip: eine mehr, als du denkst.' },
      { by: 'lea', text: 'En Bretagne : une seule, mais étanche.' },
    ],
  },
  {
    by: 'amara',
    hoursAgo: 87,
    text: 'Kiln day! Eleven went in, nine came out, and I love all nine. The blue glaze is finally behaving.',
    pictures: ['bluePots', 'greenPots', 'smallPots'],
    comments: [
      {
        by: 'aiko',
        text: '三枚目がいちばん好き。',
        replies: [{ by: 'amara', text: 'Then it has your name on it. Literally, if you send me a brush.' }],
      },
      {
        by: 'priya',
        text: 'What happened to the other two?',
        replies: [{ by: 'amara', text: 'We do not speak of the other two.' }],
      },
      { by: 'lea', text: 'Magnifique, le bleu surtout.' },
    ],
  },
  {
    by: 'yusuf',
    hoursAgo: 76,
    text: 'Elektrikler geri gelince bütün mahalle aynı anda pencereye çıktı.',
    pictures: ['town'],
    comments: [{ by: 'jonas', text: 'So viele Fenster, so wenig Vorhänge. Schön!' }],
  },
  {
    by: 'lea',
    hoursAgo: 66,
    text: 'Dimanche, mer d’huile. On a coupé le moteur, et plus personne n’a parlé pendant une heure.',
    pictures: ['sea'],
    comments: [
      { by: 'tomas', text: 'Así se ve el silencio.' },
      { by: 'maya', text: 'Saving this one for February.' },
      { by: 'priya', text: 'This looks like home. Same sun, other ocean.' },
    ],
  },
  {
    by: 'jonas',
    hoursAgo: 55,
    text: 'Vierzehn Sekunden Fensterplatz, irgendwo zwischen Saalfeld und Ludwigsstadt. Ton an!',
    film: 'train',
    comments: [
      { by: 'yusuf', text: 'Bunu bir saat izleyebilirim.' },
      {
        by: 'maya',
        text: 'The trees in front! Which seat was it?',
        replies: [
          { by: 'jonas', text: 'Wagen 7, Platz 41. In Fahrtrichtung, natürlich.' },
          { by: 'maya', text: 'Of course you know the number.' },
        ],
      },
    ],
  },
  {
    by: 'maya',
    hoursAgo: 47,
    text: 'A list of things that are better than they sound:\n\n• porridge\n• walking in the rain with the right jacket\n• other people’s holiday pictures\n• reading the manual',
    comments: [
      { by: 'jonas', text: '• Umsteigen' },
      { by: 'lea', text: '• La soupe froide', replies: [{ by: 'tomas', text: 'No. Esa no.' }] },
    ],
  },
  {
    by: 'tomas',
    hoursAgo: 38,
    text: 'Desayuno de domingo en miércoles. Las naranjas son del árbol de mi abuela; el café, lamentablemente, no.',
    pictures: ['table'],
    comments: [{ by: 'amara', text: 'I recognise neither plate, and I am jealous of both.' }],
  },
  {
    by: 'aiko',
    hoursAgo: 31,
    text: 'Reading about aperiodic tilings again, which is how a quick look at one article becomes a whole evening: https://en.wikipedia.org/wiki/Aperiodic_tiling\n\nOne tile, no repetition, forever. I find that oddly comforting.',
    comments: [{ by: 'yusuf', text: 'Linke tıkladım. İki saat oldu.' }],
  },
  {
    by: 'lea',
    hoursAgo: 25,
    text: 'Le sentier derrière la maison, avant le petit-déjeuner. On entendait seulement les gouttes.',
    pictures: ['wood', 'mistyHills'],
  },
  {
    by: 'priya',
    hoursAgo: 15,
    text: 'First snow of my life. I have been standing at this window for forty minutes and I regret nothing. ❄️',
    film: 'snow',
    comments: [
      { by: 'maya', text: 'There is only one first snow. Take all the time.' },
      {
        by: 'jonas',
        text: 'Und, wie viele Schichten sind es geworden?',
        replies: [{ by: 'priya', text: 'Four. I was promised nobody laughs at four.' }],
      },
      { by: 'tomas', text: 'Qué maravilla. Ahora, a pisarla.' },
      { by: 'amara', text: 'The sound is my favourite part. It takes all the others away.' },
    ],
  },
  {
    by: 'amara',
    hoursAgo: 8,
    text: 'Open studio on Saturday, ten to four. Bring a mug that you are tired of and take one home that you are not. There will be cake; ask Léa about the cake.',
    comments: [{ by: 'lea', text: 'Far breton. Deux, par prudence.' }],
  },
  {
    by: 'yusuf',
    hoursAgo: 3.4,
    text: 'Günaydın! Bugün tek plan: çay, pencere, hiçbir şey.',
    comments: [{ by: 'aiko', text: '最高の計画ですね。' }],
  },
  {
    by: 'maya',
    hoursAgo: 1.2,
    text: 'Up before the sun for this one. Four hours of walking in the dark, ten minutes of this, and I would do it again tomorrow.',
    pictures: ['dawn', 'ridges', 'lake', 'firs'],
    comments: [
      { by: 'lea', text: 'Oh. La première.' },
      {
        by: 'tomas',
        text: '¿Me pasas la ruta? Falta en el mapa.',
        replies: [{ by: 'maya', text: 'Track is on its way. You will like the stairs at the end.' }],
      },
      {
        by: 'priya',
        text: 'How many layers?',
        replies: [{ by: 'maya', text: 'Five. I made my own coffee.' }],
      },
    ],
  },
];
