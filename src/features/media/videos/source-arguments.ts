// How ffmpeg and ffprobe are told to open a stranger's file: the demuxer forced, no protocol but plain files, no
// reference to other files followed, and no decoder outside the list, so that the rarely tested ones are never reached.

import type { VideoContainer } from './containers.ts';
import type { VideoLimits } from './limits.ts';

/** Codec names as ffprobe says them. */
export const VIDEO_CODECS = new Set([
  ...[
    'h264',
    'hevc',
    'vp8',
    'vp9',
    'av1',
    'mpeg4',
    'mpeg1video',
    'mpeg2video',
    'h263',
    'flv1',
    'theora',
    'mjpeg',
  ],
  ...[
    'msmpeg4v1',
    'msmpeg4v2',
    'msmpeg4v3',
    'wmv1',
    'wmv2',
    'wmv3',
    'vc1',
    'vp6',
    'vp6f',
    'prores',
    'dnxhd',
    'dvvideo',
  ],
  ...['svq1', 'svq3', 'cinepak', 'qtrle', 'huffyuv', 'ffvhuff', 'ffv1', 'utvideo', 'rawvideo'],
]);

export const AUDIO_CODECS = new Set([
  ...[
    'aac',
    'aac_latm',
    'mp3',
    'mp2',
    'ac3',
    'eac3',
    'dts',
    'opus',
    'vorbis',
    'flac',
    'alac',
    'wmav1',
    'wmav2',
    'wmapro',
  ],
  ...['amr_nb', 'amr_wb', 'speex', 'nellymoser', 'adpcm_ms', 'adpcm_ima_wav', 'adpcm_ima_qt', 'adpcm_swf'],
  ...[
    'pcm_u8',
    'pcm_s8',
    'pcm_s16le',
    'pcm_s16be',
    'pcm_s24le',
    'pcm_s24be',
    'pcm_s32le',
    'pcm_s32be',
    'pcm_f32le',
    'pcm_f32be',
  ],
  ...['pcm_alaw', 'pcm_mulaw', 'pcm_bluray', 'pcm_dvd'],
]);

/** What may stand beside picture and sound: ffprobe opens every track, though we take none of these. */
const BYSTANDERS = [
  ...['png', 'truehd', 'mlp', 'mov_text', 'subrip', 'srt', 'ass', 'ssa', 'text', 'webvtt', 'cc_dec'],
  ...['dvdsub', 'dvbsub', 'pgssub', 'xsub'],
];

/** Decoders whose name is not their codec's. */
const DECODERS = [
  ...['libdav1d', 'libaom-av1', 'libvpx', 'libvpx-vp9', 'libopus', 'libvorbis', 'libspeex'],
  ...['flv', 'msmpeg4', 'mp3float', 'mp2float', 'dca', 'amrnb', 'amrwb'],
];

/** Everything up to and including `-i`. */
export function sourceArguments(input: {
  source: string;
  container: VideoContainer;
  limits: VideoLimits;
}): string[] {
  const { source, container, limits } = input;
  return [
    ...[
      '-protocol_whitelist',
      'file',
      '-codec_whitelist',
      [...VIDEO_CODECS, ...AUDIO_CODECS, ...DECODERS, ...BYSTANDERS].join(','),
    ],
    ...['-max_streams', String(limits.maxStreams), '-max_pixels', String(limits.maxPixels)],
    ...(container.demuxer === 'mov' ? ['-enable_drefs', '0', '-use_absolute_path', '0'] : []),
    ...['-f', container.demuxer, '-i', `file:${source}`],
  ];
}
