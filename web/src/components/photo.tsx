// A picture of the site: the browser takes the file that fits the screen, its place is kept free and painted in its colours
// until it is there, a crop shows what matters most, and nothing moves for those who asked for that.
import { decode } from 'blurhash';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Focus, Source } from '../wire/shapes.ts';

export interface PhotoProps {
  /** Path of the file that every browser shows. */
  file: string;
  sources?: readonly Source[] | undefined;
  width?: number | undefined;
  height?: number | undefined;
  blurhash?: string | undefined;
  focus?: Focus | undefined;
  alt: string;
  /** How wide it will be shown, as in the attribute of that name. */
  sizes: string;
  /** Its width, where the layout does not say it. */
  shownWidth?: string | undefined;
  /** Not before it comes near, unless said otherwise. */
  eager?: boolean;
  onBroken?: () => void;
}

export function Photo(props: PhotoProps): JSX.Element {
  const { file, width, height, blurhash, focus, alt, shownWidth, eager = false } = props;
  const [state, setState] = useState<{ file: string; is: 'shown' | 'plain' }>();
  const is = state?.file === file ? state.is : undefined;
  // What is made of a picture later is not worth loading it a second time.
  const first = useRef(props);
  if (first.current.file !== file || is === undefined) first.current = props;
  const sources = is === 'plain' ? [] : (first.current.sources ?? []);
  const fail = (): void => {
    if (sources.length > 0) setState({ file, is: 'plain' });
    else props.onBroken?.();
  };
  return (
    <span class="photo">
      {is !== 'shown' && blurhash !== undefined && <Blur hash={blurhash} />}
      <picture>
        {listSources(sources, props.sizes)}
        <img
          src={file}
          alt={alt}
          width={width}
          height={height}
          loading={eager ? 'eager' : 'lazy'}
          decoding="async"
          style={{ width: shownWidth, objectPosition: focus && placeOf(focus) }}
          onLoad={() => is === undefined && setState({ file, is: 'shown' })}
          onError={fail}
        />
      </picture>
    </span>
  );
}

/** Of the crop that an element cuts: 0, 0 is the middle, up and right are positive. */
export const placeOf = ({ x, y }: Focus): string => `${(1 + x) * 50}% ${(1 - y) * 50}%`;

/** Still ones first, for those who want them; then each type, best first. */
function listSources(sources: readonly Source[], sizes: string): JSX.Element[] {
  const still = sources.filter((source) => source.still);
  const rest = sources.filter((source) => !source.still);
  const types = [...new Set(rest.map(({ type }) => type))];
  const setOf = (list: readonly Source[]): string =>
    list.map(({ url, width }) => `${url} ${width}w`).join(', ');
  return [
    ...(still.length > 0
      ? [<source key="still" media="(prefers-reduced-motion: reduce)" srcset={setOf(still)} sizes={sizes} />]
      : []),
    ...types.map((type) => (
      <source
        key={type}
        type={type}
        srcset={setOf(rest.filter((source) => source.type === type))}
        sizes={sizes}
      />
    )),
  ];
}

const BLUR_SIDE = 32;

function Blur({ hash }: { hash: string }): JSX.Element {
  const ref = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const brush = ref.current?.getContext('2d');
    if (!brush) return;
    try {
      const pixels = brush.createImageData(BLUR_SIDE, BLUR_SIDE);
      pixels.data.set(decode(hash, BLUR_SIDE, BLUR_SIDE));
      brush.putImageData(pixels, 0, 0);
    } catch {
      // One that cannot be read paints nothing.
    }
  }, [hash]);
  return <canvas ref={ref} class="photo-blur" width={BLUR_SIDE} height={BLUR_SIDE} aria-hidden="true" />;
}
