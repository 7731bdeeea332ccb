// Rows of an original site that cannot be taken as they are: each is told of, and none keeps the others out.
import { symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hash } from '@node-rs/argon2';
import type Sqlite from 'better-sqlite3';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatReport, type ImportReport } from '../../src/features/imports/index.ts';
import { call, form } from '../support/classic-client.ts';
import { copySite, moveIn, type SiteCopy, summarise, wrongCounters } from '../support/original-site.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const signIn = (base: string, [username, password]: readonly [string, string]) =>
  call(base, '/api/users/user/token/', { body: form({ username, password }) });

describe('rows that cannot be taken as they are', () => {
  let site: SiteCopy;
  let server: TestServer;
  let report: ImportReport;
  const rows = (sql: string) => ask<Record<string, unknown>>(server.dataDir, sql);

  beforeAll(async () => {
    site = await copySite(spoil);
    await writeFile(join(site.folder, 'secret.jpg'), await sharp(noise).png().toBuffer());
    await symlink(join(site.folder, 'secret.jpg'), join(site.media, 'link.jpg'));
    await writeFile(join(site.media, 'words.jpg'), 'these are words');
    await writeFile(join(site.media, 'empty.jpg'), '');
    await writeFile(join(site.media, 'huge.jpg'), '');
    await truncate(join(site.media, 'huge.jpg'), 5e9);
    server = await startServer();
    report = await moveIn(server.app, site);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  test('are each told of with the reason', () => {
    expect(report.refusals.lines).toEqual([
      'auth_user 60: of its profile created_at cannot be read',
      'Users_profile 60: created_at cannot be read',
      'Users_profile 90: its user 999 was not taken',
      'Users_profile_followers 100: nobody follows themselves here',
      'Users_profile_followers 101: profile 90 was not taken',
      'Users_profile_followers 102: profile 777 was not taken',
      'Posts_post 202: date_created and date_modified cannot be read',
      'Posts_post 201: its author, profile 90, was not taken',
      'Posts_comment 10: no post refers to it',
      'Posts_comment 210: its post 201 was not taken',
      'Posts_comment 211: its author, profile 90, was not taken',
      'Posts_post_comments 300: comment 210 was not taken',
      'Posts_post_comments 301: comment 211 was not taken',
      'Posts_post_comments 302: comment 1 is on another post already',
      'Posts_post_comments 303: comment 888 was not taken',
      'Posts_post_likes 400: post 201 was not taken',
      'Posts_post_likes 401: profile 90 was not taken',
      'Posts_comment_likes 402: comment 10 was not taken',
      'Users_profile.profile_picture 1: ../secret.jpg lies outside of the media folder',
      'Users_profile.profile_picture 2: profile_pictures/gone.png is not in the media folder',
      'Users_profile.profile_picture 90: profile 90 was not taken',
      'Posts_mediafile 1: media/postsMedia is no file',
      'Posts_mediafile 4: no post refers to it',
      'Posts_mediafile 500: ../secret.jpg lies outside of the media folder',
      `Posts_mediafile 501: ${site.folder}/secret.jpg lies outside of the media folder`,
      'Posts_mediafile 502: link.jpg lies outside of the media folder',
      'Posts_mediafile 503: words.jpg: This file is not a picture we can read.',
      'Posts_mediafile 504: its file is empty',
      'Posts_mediafile 505: its file is larger than pictures may be',
      'Posts_mediafile 506: its path cannot be read',
      'Posts_mediafile 507: a\uFFFD[2J.jpg is not in the media folder',
      'Posts_post_media_files 1: media 1 was not taken',
      ...[500, 501, 502, 503, 504, 505, 506, 507].map(
        (id) => `Posts_post_media_files ${id + 100}: media ${id} was not taken`,
      ),
      'Posts_post_media_files 700: media 2 is on another post already',
    ]);
    const sums = report.tables.filter((count) => count.read !== count.taken + count.there + count.refused);
    expect(sums).toEqual([]);
    expect(report.otherTables).toEqual(['Shop_order']);
  });

  test('leave the rest whole', async () => {
    expect(await rows('select id from media order by id')).toEqual([{ id: 2 }, { id: 3 }, { id: 5 }]);
    expect(await rows('select id from profiles where picture_key is null and id < 7 order by id')).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    expect(await rows(wrongCounters)).toEqual([]);
    expect(await rows('select count(*) as n from follows')).toEqual([{ n: 13 }]);
  });

  test('are people too, whose names or addresses are not theirs alone', async () => {
    expect(report.notes.lines).toEqual([
      'auth_user 50: "DESMOND" differs from "Desmond" only in ways that do not count here: signs in as "desmond.2"',
      'auth_user 51: "desmond" differs from "Desmond" only in ways that do not count here: signs in as "desmond.3"',
      'auth_user 52: has the same e-mail address as "Desmond", for whom the address stands here',
      'auth_user 55: has no password that can be checked and cannot sign in',
      'auth_user 56: had no profile and was given one',
      'auth_user 57: had no user name and is "user.57" now',
    ]);
    const password = 'Quiet-Ferry-85';
    for (const name of ['Desmond', 'desmond.2', 'desmond.3', 'addressless', 'boss', 'root', 'modern']) {
      expect((await signIn(server.base, [name, password])).status, name).toBe(200);
    }
    const account = { username: 'Ьоѕѕ', first_name: 'A', last_name: 'B', email: 'imitation@example.org' };
    const imitation = await call(server.base, '/api/users/user/register/', {
      body: { ...account, password },
    });
    expect(imitation.json.username).toEqual(['This username looks like another one that is taken.']);
    for (const name of ['gone', 'locked']) {
      expect((await signIn(server.base, [name, password])).status, name).toBe(401);
    }
    expect((await signIn(server.base, ['locked', '!'])).status).toBe(401);
    expect(
      await rows(
        `select username, email, role, case when suspended_at is null then 1 else 0 end as active from users where id >= 50 order by id`,
      ),
    ).toEqual([
      { username: 'DESMOND', email: 'd50@example.org', role: 'user', active: 1 },
      { username: 'desmond', email: 'd51@example.org', role: 'user', active: 1 },
      { username: 'sameaddress', email: 'PERSON5@example.org', role: 'user', active: 1 },
      { username: 'addressless', email: '', role: 'user', active: 1 },
      { username: 'gone', email: '', role: 'user', active: 0 },
      { username: 'locked', email: 'd55@example.org', role: 'user', active: 1 },
      { username: 'root', email: 'd56@example.org', role: 'admin', active: 1 },
      { username: 'user.57', email: 'd57@example.org', role: 'user', active: 1 },
      { username: 'boss', email: 'd58@example.org', role: 'admin', active: 1 },
      { username: 'modern', email: 'd59@example.org', role: 'user', active: 1 },
    ]);
  });

  test('have a second chance once they are mended', async () => {
    await writeFile(join(site.media, 'words.jpg'), await sharp(noise).png().toBuffer());
    const again = await moveIn(server.app, site);
    expect(summarise(again)['Posts_mediafile']?.[1]).toBe(1);
    expect(summarise(again)['Posts_post_media_files']?.[1]).toBe(1);
    const shown = await rows('select id from media where post_id = 1 order by position');
    expect(shown).toEqual([{ id: 503 }]);
  });

  test('are printed line by line', () => {
    const lines = formatReport(report);
    expect(lines).toContain('  Posts_post 202: date_created and date_modified cannot be read');
    expect(lines.some((line) => /^auth_user +17 +16 +0 +1$/.test(line))).toBe(true);
    // A name of the source cannot move the cursor of the terminal it is printed on.
    expect(lines.join('')).not.toContain('\u001B');
  });
});

/** Of the password that all of them have, as Django's argon2 hasher makes it. */
const argon2id = await hash('Quiet-Ferry-85', { memoryCost: 102_400, timeCost: 2, parallelism: 8 });

const noise = { create: { width: 64, height: 64, channels: 3, background: '#336699' } } as const;

function spoil(database: Sqlite.Database): void {
  const hash = `(select password from auth_user where id = 5)`;
  const user = (
    id: number,
    name: string,
    more: { email?: string; password?: string; flags?: string } = {},
  ) => {
    const { email = `d${id}@example.org`, password = hash, flags = '0, 0, 1' } = more;
    database.exec(`insert into auth_user (id, password, username, first_name, last_name, email, is_superuser, is_staff, is_active, date_joined)
      values (${id}, ${password}, '${name}', 'F', 'L', '${email}', ${flags}, '2026-01-01 00:00:00')`);
    if (id === 56) return;
    database.exec(`insert into Users_profile (id, user_id, username, firstname, lastname, bio, email, profile_picture, cover_image, created_at)
      values (${id}, ${id}, '', '', '', '', '', '', 'default_profile_picture.png', '${id === 60 ? 'once' : '2026-01-01 00:00:00.5'}')`);
  };
  user(50, 'DESMOND');
  user(51, 'ｄｅｓｍｏｎｄ');
  user(52, 'sameaddress', { email: 'PERSON5@example.org' });
  user(53, 'addressless', { email: '' });
  user(54, 'gone', { email: '', flags: '0, 0, 0' });
  user(55, 'locked', { password: `'!Wq8K'` });
  user(56, 'root', { flags: '1, 0, 1' });
  user(57, '');
  user(58, 'boss', { flags: '0, 1, 1' });
  user(59, 'modern', { password: `'argon2${argon2id}'` });
  user(60, 'dateless');
  const post = (id: number, author: number, date = '2026-01-01 00:00:00') =>
    `insert into Posts_post (id, description, date_created, date_modified, auhtor_id) values (${id}, 'x', '${date}', '${date}', ${author});`;
  const comment = (id: number, author: number) =>
    `insert into Posts_comment (id, comment, pub_date, last_edited, author_id) values (${id}, 'x', '2026-01-01 00:00:00', '2026-01-01 00:00:00', ${author});`;
  const media = (id: number, path: string) =>
    `insert into Posts_mediafile (id, filename, file) values (${id}, '', '${path}');
     insert into Posts_post_media_files (id, post_id, mediafile_id) values (${id + 100}, 1, ${id});`;
  database.exec(`
    insert into Users_profile select 90, username, firstname, lastname, bio, email, 'x.png', '', created_at, 999 from Users_profile where id = 1;
    insert into Users_profile_followers (id, from_profile_id, to_profile_id) values (100, 1, 1), (101, 1, 90), (102, 777, 1);
    ${post(201, 90)} ${post(202, 1, 'yesterday')}
    ${comment(210, 1)} ${comment(211, 90)}
    insert into Posts_post_comments (id, post_id, comment_id) values (300, 201, 210), (301, 1, 211), (302, 2, 1), (303, 1, 888);
    insert into Posts_post_likes (id, post_id, profile_id) values (400, 201, 1), (401, 7, 90);
    insert into Posts_comment_likes (id, comment_id, profile_id) values (402, 10, 1);
    update Users_profile set profile_picture = '../secret.jpg' where id = 1;
    update Users_profile set profile_picture = 'profile_pictures/gone.png' where id = 2;
    update Posts_mediafile set file = 'media/postsMedia' where id = 1;
    ${media(500, '../secret.jpg')} ${media(502, 'link.jpg')} ${media(503, 'words.jpg')}
    ${media(504, 'empty.jpg')} ${media(505, 'huge.jpg')}
    insert into Posts_mediafile (id, filename, file) values (506, '', 'a' || char(0) || '.jpg'), (507, '', 'a' || char(27) || '[2J.jpg');
    insert into Posts_post_media_files (id, post_id, mediafile_id) values (606, 1, 506), (607, 1, 507), (700, 1, 2);
    create table Shop_order (id integer primary key);
  `);
  const secret = join(database.name, '..', 'secret.jpg');
  database.exec(media(501, secret));
}
