/**
 * The codecs that the meter knows, with where each figure stands. Where a format fixes the bytes of a frame, that is
 * what is given; where it fixes a bit rate, the frame is a share of it. Container overhead is left out: it is below a percent.
 */
import type { Codec } from './codec.ts';

const NTSC = 30_000 / 1001;
const HD = { width: 1920, height: 1080 } as const;
const UHD = { width: 3840, height: 2160 } as const;
const MEGABIT = 1_000_000;

const PRORES_SOURCE = 'Apple ProRes White Paper, January 2020, Target Data Rates, at 29.97 fps';
/** Mbit/s of HD and UHD at 29.97 fps. A frame has a target size at any rate: the rate follows from it. */
const PRORES: readonly (readonly [string, string, number, number])[] = [
  ['proxy', '422 Proxy', 45, 182],
  ['lt', '422 LT', 102, 410],
  ['422', '422', 147, 589],
  ['hq', '422 HQ', 220, 884],
  ['4444', '4444', 330, 1326],
  ['xq', '4444 XQ', 500, 1989],
];

function proRes(): Codec[] {
  return PRORES.flatMap(([name, title, hdMbit, uhdMbit]) =>
    (
      [
        ['', 'HD', HD, hdMbit],
        ['-uhd', 'UHD', UHD, uhdMbit],
      ] as const
    ).map(([suffix, size, picture, mbit]) => ({
      name: `prores-${name}${suffix}`,
      title: `Apple ProRes ${title} ${size}`,
      ...picture,
      framesPerS: 25,
      frameBytes: Math.round((mbit * MEGABIT) / 8 / NTSC),
      layout: 'clip' as const,
      source: PRORES_SOURCE,
    })),
  );
}

const DNXHR_SOURCE = 'SMPTE ST 2019-1 (VC-3), resolution-independent profiles: frame size of CID';
/** Compression IDs and bytes of a frame in HD and UHD; ffmpeg's encoder makes the same. */
const DNXHR: readonly (readonly [string, number, number, number])[] = [
  ['lb', 1274, 188_416, 749_568],
  ['sq', 1273, 606_208, 2_408_448],
  ['hq', 1272, 917_504, 3_641_344],
  ['hqx', 1271, 917_504, 3_641_344],
  ['444', 1270, 1_835_008, 7_286_784],
];

function dnxHr(): Codec[] {
  return DNXHR.flatMap(([name, compressionId, hdBytes, uhdBytes]) =>
    (
      [
        ['', 'HD', HD, hdBytes],
        ['-uhd', 'UHD', UHD, uhdBytes],
      ] as const
    ).map(([suffix, size, picture, frameBytes]) => ({
      name: `dnxhr-${name}${suffix}`,
      title: `DNxHR ${name.toUpperCase()} ${size}`,
      ...picture,
      framesPerS: 25,
      frameBytes,
      layout: 'clip' as const,
      source: `${DNXHR_SOURCE} ${compressionId}`,
    })),
  );
}

/** Header of 2,048 bytes and 32-bit words of three 10-bit components. */
function dpx(name: string, title: string, width: number, height: number): Codec {
  return {
    name: `dpx-${name}`,
    title: `DPX 10-bit RGB ${title}`,
    width,
    height,
    framesPerS: 24,
    frameBytes: 2048 + width * height * 4,
    layout: 'sequence',
    source: 'SMPTE ST 268: packing method A, 10 bits, 2,048-byte header',
  };
}

/** Three half floats a pixel; each line has an offset in the table and a prefix of 8 bytes each. */
function exr(name: string, title: string, width: number, height: number): Codec {
  return {
    name: `exr-${name}`,
    title: `OpenEXR half RGB ${title}, not compressed`,
    width,
    height,
    framesPerS: 24,
    frameBytes: 400 + height * 16 + width * height * 6,
    layout: 'sequence',
    source: 'OpenEXR File Layout: scan lines, NO_COMPRESSION, header of about 400 bytes',
  };
}

function fixedRate(
  name: string,
  title: string,
  mbit: number,
  more: Partial<Codec> & { source: string },
): Codec {
  return { name, title, ...HD, framesPerS: 25, bitsPerS: mbit * MEGABIT, layout: 'clip', ...more };
}

function fixedFrame(
  name: string,
  title: string,
  frameBytes: number,
  more: Partial<Codec> & { source: string },
): Codec {
  return { name, title, ...HD, framesPerS: 25, frameBytes, layout: 'clip', ...more };
}

const PAL = { width: 720, height: 576 } as const;
const SD60 = { width: 720, height: 480, framesPerS: NTSC } as const;
const DV = 'SMPTE ST 314: DIF sequences of 12,000 bytes';
const VC3 = 'SMPTE ST 2019-1 (VC-3): frame size of CID';
const AVC_INTRA = 'SMPTE RP 2027, AVC-Intra class 100: constant bytes a picture';
const XAVC_INTRA = 'Sony XAVC specification, Intra';
const J2K = 'ISO/IEC 15444-1 and SMPTE ST 2067-21: IMF profile, limit of the sublevel';

export const CODECS: readonly Codec[] = [
  fixedRate('proxy-hd', 'H.264 proxy HD, 2 Mbit/s', 2, {
    source: 'customary for browsing; EBU Tech 3362 has none',
  }),
  fixedFrame('dv25', 'DV25, 625 lines', 144_000, { ...PAL, source: DV }),
  fixedFrame('dv25-60', 'DV25, 525 lines', 120_000, { ...SD60, source: DV }),
  fixedFrame('dv50', 'DV50, 625 lines', 288_000, { ...PAL, source: DV }),
  fixedFrame('dv50-60', 'DV50, 525 lines', 240_000, { ...SD60, source: DV }),
  fixedFrame('dvcprohd', 'DVCPRO HD 1080/50i', 576_000, { source: 'SMPTE ST 370: four DV channels' }),
  fixedFrame('imx50', 'IMX 50 (D-10), 625 lines', 250_000, {
    ...PAL,
    source: 'SMPTE ST 356: 50 Mbit/s, constant bytes a frame',
  }),
  fixedRate('xdcam-ex35', 'XDCAM EX 35', 35, { source: 'Sony XDCAM EX: MPEG-2 MP@HL, 35 Mbit/s' }),
  fixedRate('xdcam-hd50', 'XDCAM HD422 50', 50, {
    source: 'SMPTE RDD 9: MPEG-2 422P@HL long GOP, 50 Mbit/s, constant',
  }),
  fixedFrame('avc-intra-100', 'AVC-Intra 100 1080/25', 568_832, { source: AVC_INTRA }),
  fixedFrame('avc-intra-100-60', 'AVC-Intra 100 1080/29.97', 472_576, {
    framesPerS: NTSC,
    source: AVC_INTRA,
  }),
  fixedFrame('dnxhd-36', 'DNxHD 36', 188_416, { source: `${VC3} 1253` }),
  fixedFrame('dnxhd-120', 'DNxHD 120', 606_208, { source: `${VC3} 1237, 25 fps` }),
  fixedFrame('dnxhd-145', 'DNxHD 145', 606_208, { framesPerS: NTSC, source: `${VC3} 1237, 29.97 fps` }),
  fixedFrame('dnxhd-185', 'DNxHD 185', 917_504, { source: `${VC3} 1238, 25 fps` }),
  fixedFrame('dnxhd-220', 'DNxHD 220', 917_504, { framesPerS: NTSC, source: `${VC3} 1238, 29.97 fps` }),
  ...dnxHr(),
  ...proRes(),
  fixedFrame('xavc-intra-100', 'XAVC Intra class 100 HD', 568_832, {
    source: `${XAVC_INTRA}: as AVC-Intra 100`,
  }),
  fixedFrame('xavc-intra-300', 'XAVC Intra class 300 UHD', Math.round((300 * MEGABIT) / 8 / NTSC), {
    ...UHD,
    source: `${XAVC_INTRA}: class 300, 300 Mbit/s at 29.97 fps`,
  }),
  fixedFrame('xavc-intra-480', 'XAVC Intra class 480 UHD', Math.round((480 * MEGABIT) / 8 / NTSC), {
    ...UHD,
    source: `${XAVC_INTRA}: class 480, 480 Mbit/s at 29.97 fps`,
  }),
  fixedRate('j2k-dci', 'JPEG 2000, digital cinema', 250, {
    width: 4096,
    height: 2160,
    framesPerS: 24,
    source: 'DCI Digital Cinema System Specification: 1,302,083 bytes a frame at most at 24 fps',
  }),
  fixedRate('j2k-imf-hd', 'JPEG 2000 IMF HD, sublevel 2', 400, { source: J2K }),
  fixedRate('j2k-imf-uhd', 'JPEG 2000 IMF UHD, sublevel 3', 800, { ...UHD, source: J2K }),
  dpx('hd', 'HD', 1920, 1080),
  dpx('2k', '2K full aperture', 2048, 1556),
  dpx('uhd', 'UHD', 3840, 2160),
  dpx('4k', '4K', 4096, 2160),
  exr('hd', 'HD', 1920, 1080),
  exr('uhd', 'UHD', 3840, 2160),
  fixedFrame('uncompressed-hd8', 'Uncompressed HD 4:2:2, 8 bits (2vuy)', 4_147_200, {
    source: 'Apple QuickTime File Format, 2vuy: 2 bytes a pixel',
  }),
  fixedFrame('uncompressed-hd10', 'Uncompressed HD 4:2:2, 10 bits (v210)', 5_529_600, {
    source: 'Apple QuickTime File Format, v210: 128 bytes for 48 pixels',
  }),
  fixedFrame('uncompressed-uhd8', 'Uncompressed UHD 4:2:2, 8 bits (2vuy)', 16_588_800, {
    ...UHD,
    source: 'Apple QuickTime File Format, 2vuy: 2 bytes a pixel',
  }),
  fixedFrame('uncompressed-uhd10', 'Uncompressed UHD 4:2:2, 10 bits (v210)', 22_118_400, {
    ...UHD,
    source: 'Apple QuickTime File Format, v210: 128 bytes for 48 pixels',
  }),
];
